"""The founding day in simulated time: ten ordinary days, a flood of four minutes, one surge, told once, ended once."""

from datetime import timedelta

import pytest

from tests.house import person
from tests.triage.surge.traffic import NOW, flood, ordinary
from tickets.models import Outgoing
from triage.models import SeriesState, Surge
from triage.surge.tick import tick

pytestmark = pytest.mark.django_db
TEN_SECONDS = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)


def ticks(start, end, every=TEN_SECONDS):
    at = start
    while at <= end:
        tick(at)
        yield at
        at += every


def mails():
    return list(Outgoing.objects.filter(kind="alert").order_by("pk").values_list("subject", flat=True))


@pytest.fixture
def ten_days():
    person("manager")
    ordinary(10)
    tick(NOW)
    assert not Surge.objects.exists()
    assert SeriesState.objects.get(series="all").minute == NOW - 2 * MINUTE


def test_the_flood_is_one_surge_noticed_within_two_minutes_and_told_once(ten_days):
    begins = NOW + timedelta(seconds=3)
    at = NOW
    while not Surge.objects.exists():
        assert at < begins + 2 * MINUTE, "not noticed within two minutes"
        at += TEN_SECONDS
        flood(max(at - TEN_SECONDS, begins), at, seed=at.second)
        tick(at)
    surge = Surge.objects.get(series="all")
    assert abs(surge.began_at - begins) <= MINUTE
    assert surge.detected_at == at
    assert len(mails()) == 1
    assert "Surge: ×" in mails()[0]
    while at < begins + 4 * MINUTE:
        at += TEN_SECONDS
        flood(at - TEN_SECONDS, at, seed=at.second + at.minute)
        tick(at)
    for _ in ticks(at, at + 50 * MINUTE, MINUTE):
        pass
    surge.refresh_from_db()
    assert surge.ended_at is not None
    assert abs(surge.ended_at - (begins + 4 * MINUTE)) <= 2 * MINUTE
    assert Surge.objects.filter(series="all").count() == 1
    assert not Surge.objects.filter(parent=None).exclude(pk=surge.pk).exists()
    # Seventy a minute where two are usual at ten on a Monday.
    assert 20 < surge.peak_ratio < 50
    assert abs(surge.total - 280) < 60
    assert surge.senders == surge.total
    assert [subject.split(" (")[0] for subject in mails()][1:] == ["The surge is over"]
