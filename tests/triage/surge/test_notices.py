"""A mild rise is a quiet notice: a row and a mail, no page, and over when it is over."""

from datetime import timedelta

import pytest

from tests.house import person
from tests.triage.surge.traffic import NOW, learned, ordinary, tick
from tickets.models import Outgoing
from triage.alerting import acknowledging
from triage.models import Alert, SeriesState, Surge
from triage.surge import notices, surges, telling
from triage.surge.detector import time_of
from triage.surge.excursions import Episode
from triage.surge.tick import detector_of

# In one process, which works ten days out once (traffic.learned).
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("ten days")]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def detector():
    """After ten days, with an excursion that is less than a surge."""
    learned(10)
    found = detector_of(SeriesState.objects.get(series="all").state)
    strongest = found.excursions[0]
    strongest.s, strongest.n, strongest.m, strongest.t, strongest.began = 9.0, 30.0, 12.0, 9, found.minute - 8
    return found


def test_a_mild_rise_is_a_notice_and_no_page_and_ends(detector):
    person("manager")
    detector.noticed = 15
    notices.follow([("all", detector)], NOW, notices.on())
    notices.follow([("all", detector)], NOW + MINUTE, notices.on())
    [notice] = Surge.objects.all()
    assert (notice.level, notice.total, notice.excess, notice.ended_at) == ("notice", 30, 18.0, None)
    assert notice.began_at == time_of(detector.minute - 8)
    telling.tell(NOW)
    detector.noticed = 0
    detector.minute += 10
    notices.follow([("all", detector)], NOW + 9 * MINUTE, notices.on())
    telling.tell(NOW + 9 * MINUTE)
    assert Surge.objects.get().ended_at == time_of(detector.minute + 1)
    assert [alert.level for alert in Alert.objects.all()] == ["notice"]
    assert [mail.subject.split(":")[0].split(" (")[0] for mail in Outgoing.objects.order_by("pk")] == [
        "Busier than usual",
        "The surge is over",
    ]
    assert acknowledging.unanswered() is None


def test_a_notice_that_grows_is_one_row_that_becomes_a_page(detector):
    person("manager")
    detector.noticed = 15
    notices.follow([("all", detector)], NOW, set())
    telling.tell(NOW)
    at = detector.minute
    detector.episode = Episode(at - 8, at, 200, 14.0, 14.0)
    surges.keep([surges.Sighting("all", detector.episode, NOW)], NOW)
    notices.follow([("all", detector)], NOW, notices.on())
    telling.tell(NOW)
    assert [(surge.level, surge.ended_at) for surge in Surge.objects.all()] == [("page", None)]
    assert [alert.level for alert in Alert.objects.order_by("pk")] == ["notice", "page"]


def test_lines_give_no_notice(detector):
    detector.noticed = 15
    notices.follow([("line:main", detector)], NOW, set())
    assert not Surge.objects.exists()


def test_a_quiet_series_costs_no_query(django_assert_num_queries):
    ordinary(1)
    tick(NOW)
    detector = detector_of(SeriesState.objects.get(series="all").state)
    with django_assert_num_queries(0):
        notices.follow([("all", detector)], NOW, set())


def test_what_is_noticed_no_more_is_over():
    row = Surge.objects.create(series="all", level="notice", began_at=NOW - 5 * MINUTE, detected_at=NOW)
    ordinary(1)
    tick(NOW)
    row.refresh_from_db()
    assert row.ended_at is not None
    assert notices.on() == set()
