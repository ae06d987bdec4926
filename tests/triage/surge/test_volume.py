"""What the control room's charts are made of: what came, what is usual where that is known, and what nobody knows."""

from datetime import timedelta

import pytest

from tests.triage.surge.series import run
from tests.triage.surge.traffic import NOW, contacts
from triage.models import Gap, SeriesState
from triage.surge import counts
from triage.surge.volume import volume

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def learned(days, upto=NOW):
    """A house that has watched everything for so many days."""
    ran = run(days, start=upto - timedelta(days=days))
    SeriesState.objects.create(series="all", ratio=1, state=ran.detector.save())


def test_a_new_house_says_nothing_of_what_is_usual():
    seen = volume(NOW, None)
    assert (seen.days.known_from, seen.minutes.known_from) == (None, None)
    assert (seen.expected_hour, seen.times) == (None, None)


def test_a_young_house_says_what_is_usual_from_when_it_began():
    tuesday = NOW + 24 * HOUR
    learned(1.25, tuesday)
    seen = volume(tuesday, None)
    assert seen.days.known_from == tuesday - 30 * HOUR
    assert not seen.days.has_unknown_since
    assert not any(one.high for one in seen.days.bins if not one.known)
    assert seen.expected_hour == pytest.approx(sum(one.expected for one in seen.minutes.bins[-60:]))
    assert not seen.minutes.has_unknown


def test_a_house_of_ten_days_knows_all_that_the_charts_show():
    learned(11)
    seen = volume(NOW, None)
    assert not seen.days.has_unknown
    assert all(one.high > one.expected > 0 for one in seen.days.bins)


def test_hours_of_silence_are_shown_as_not_known_unless_something_came():
    Gap.objects.create(scope="all", began=NOW - 5 * HOUR, until=NOW - 2 * HOUR)
    Gap.objects.create(scope="medium:phone", began=NOW - 20 * HOUR, until=NOW - 18 * HOUR)
    contacts([NOW - 4 * HOUR + timedelta(minutes=5)])
    counts.recount()
    seen = volume(NOW, None)
    assert [one.at for one in seen.days.bins if one.missing] == [NOW - 5 * HOUR, NOW - 3 * HOUR]
    assert sum(one.missing for one in seen.minutes.bins) == 59
