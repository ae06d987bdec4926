"""Minutes that are read as text are those that the times lie in."""

from datetime import timedelta

import pytest

from tests.triage.surge.traffic import NOW, contacts
from tickets.models import Arrival
from triage.models import MinuteCount
from triage.surge import counts
from triage.surge.minutes import Minute, read

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seconds", [0, 0.000001, 59.999999, 60, 61.5])
def test_the_minute_of_a_time_is_read_as_it_is(seconds):
    at = NOW + timedelta(seconds=seconds)
    contacts([at])
    assert [read(text) for text in Arrival.objects.values_list(Minute("happened_at"), flat=True)] == [counts.floor(at)]


def test_minutes_are_those_of_utc_whatever_the_time_zone_of_the_business(settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    MinuteCount.objects.create(series="all", minute=NOW, arrivals=1, senders=1)
    assert read(MinuteCount.objects.values_list(Minute("minute"), flat=True).get()) == NOW
