"""A mild rise is a quiet notice: a row and a mail, no page, and over when it is over."""

from datetime import timedelta

import pytest

from tests.house import person
from tests.triage.surge.traffic import NOW, flood, ordinary
from tickets.models import Outgoing
from triage.alerting import acknowledging
from triage.models import Alert, SeriesState, Surge
from triage.surge import notices
from triage.surge.detector import Detector
from triage.surge.tick import detector_of, tick

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
# Detectors of before notices say nothing.
notices_are_said = pytest.mark.skipif(not hasattr(Detector, "dismiss"), reason="this detector gives no notices yet")


def ticks(minutes: int) -> None:
    for n in range(minutes):
        tick(NOW + n * MINUTE)


@notices_are_said
def test_a_mild_rise_is_a_notice_and_no_page_and_ends():
    person("manager")
    ordinary(10)
    flood(NOW, NOW + 10 * MINUTE, per_minute=4.2, seed=4)
    ticks(60)
    [notice] = Surge.objects.all()
    assert notice.level == "notice"
    assert notice.ended_at is not None
    assert notice.excess > 10
    assert {alert.level for alert in Alert.objects.all()} == {"notice"}
    assert [mail.subject.split(":")[0].split(" (")[0] for mail in Outgoing.objects.order_by("pk")] == [
        "Busier than usual",
        "The surge is over",
    ]
    assert acknowledging.unanswered() is None


@notices_are_said
def test_a_rise_that_grows_is_one_row_that_becomes_a_page():
    person("manager")
    ordinary(10)
    flood(NOW, NOW + 20 * MINUTE, per_minute=4.2, seed=4)
    ticks(23)
    [surge] = Surge.objects.filter(series="medium:phone")
    assert (surge.level, surge.ended_at) == ("page", None)
    assert [alert.level for alert in Alert.objects.order_by("pk")] == ["notice", "page"]


def test_a_quiet_series_costs_no_query(django_assert_num_queries):
    ordinary(1)
    tick(NOW)
    detector = detector_of(SeriesState.objects.get(series="all").state)
    with django_assert_num_queries(0):
        notices.follow("all", detector, NOW, NOW, set())


def test_what_is_noticed_no_more_is_over():
    row = Surge.objects.create(series="all", level="notice", began_at=NOW - 5 * MINUTE, detected_at=NOW)
    ordinary(1)
    tick(NOW)
    row.refresh_from_db()
    assert row.ended_at is not None
    assert notices.on() == set()
