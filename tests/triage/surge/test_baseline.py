"""What a baseline says it knows."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.triage.surge.series import MONDAY, run
from triage.surge.baseline import Baseline
from triage.surge.quarters import minute_of

FIRST = minute_of(MONDAY)


def hours(days=0.0, *, zone=UTC, begins=MONDAY, of=7):
    """Whether it is known what is usual in the first hours of each of `of` days, after so many days of a new series."""
    baseline = run(days, start=begins, zone=zone).detector.baseline if days else Baseline()
    told = baseline.tells(FIRST, 60, of * 24, zone)
    return ["".join("x" if one else "." for one in told[n : n + 24]) for n in range(0, of * 24, 24)]


def test_a_series_that_saw_nothing_knows_nothing():
    assert hours() == ["." * 24] * 7


def test_what_is_usual_is_told_of_hours_that_were_seen_and_not_of_the_time_before():
    begins = MONDAY + timedelta(days=2, hours=9, minutes=20)
    before = ["." * 24] * 2
    assert hours(2 / 24, begins=begins, of=4) == [*before, "." * 10 + "x" + "." * 13, "." * 9 + "xx" + "." * 13]
    assert hours(1.5, begins=begins, of=4) == [*before, "." * 10 + "x" * 14, "x" * 24]


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])
def test_ten_days_tell_of_the_whole_week(zone):
    assert hours(10, zone=zone) == ["x" * 24] * 7


def test_a_stretch_is_known_as_a_whole_or_not_at_all():
    baseline = run(0.5).detector.baseline
    assert baseline.tells(FIRST, 720, 2, UTC) == [True, False]
    assert baseline.tells(FIRST + 1, 720, 1, UTC) == [False]
    assert baseline.tells(FIRST + 719, 1, 2, UTC) == [True, False]
