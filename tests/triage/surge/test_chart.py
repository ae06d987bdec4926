"""The chart's geometry: what is higher stands higher, parts add up, labels keep their distance."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from triage.surge.chart import Bin, Drawing, draw, grid_values
from triage.surge.chart_marks import Mark, Span

START = datetime(2026, 11, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


def chart(bins, kind="wide", width=860, zone=UTC, step=HOUR, **more):
    return draw(Drawing(bins, step, zone, **more), kind, width, 300)


def days(number=10, **counts):
    return [Bin(START + n * HOUR, counts or {"phone": 4, "email": 4, "web": 1}, 9, 2, 20) for n in range(number * 24)]


def heights(path):
    """Every y of a path of M, H and V."""
    numbers = re.findall(r"M[\d.]+ ([\d.]+)|V([\d.]+)", path)
    return [float(a or b) for a, b in numbers]


def test_layers_stand_on_each_other_on_a_square_root_scale():
    made = chart([Bin(START, {"phone": 25, "email": 75, "text": 300}), Bin(START + HOUR, {})])
    (phone, p), (email, e), (web, w) = made.areas
    assert (phone, email, web) == ("phone", "email", "web")
    top_of = [made.bottom - heights(path)[0] for path in (p, e, w)]
    assert top_of[1] == pytest.approx(2 * top_of[0], rel=0.01)
    assert top_of[2] == pytest.approx(4 * top_of[0], rel=0.01)
    assert max(heights(w)) <= made.bottom
    assert min(heights(w)) >= made.top


def test_nothing_at_all_is_an_empty_chart_not_an_error():
    made = chart(days(10, phone=0))
    assert (made.areas, made.shades, made.marks) == ([], [], [])
    bare = chart([Bin(START, {}), Bin(START + HOUR, {})])
    assert (bare.band, bare.upper) == ("", "")


@pytest.mark.parametrize("highest", [6, 47, 300, 5_000, 250_000])
def test_grid_lines_are_round_few_and_apart(highest):
    values = grid_values(highest, 250)
    assert 2 <= len(values) <= 8
    assert values == sorted(values)
    assert all(str(value).rstrip("0") in ("1", "2", "5") for value in values)
    lines = [250 * (value / highest) ** 0.5 for value in values]
    assert all(b - a >= 30 for a, b in zip(lines, lines[1:], strict=False))


def test_days_are_named_in_the_business_time_zone():
    here, there = chart(days()), chart(days(), zone=ZoneInfo("America/New_York"))
    assert [tick.label for tick in here.ticks] == [f"{START + timedelta(days=n):%a} {14 + n}" for n in range(10)]
    assert there.ticks[0].at > here.ticks[0].at
    assert len(chart(days(), kind="narrow").ticks) == 5
    assert chart(days(), kind="narrow").ticks[-1].label == here.ticks[-1].label


def test_surges_are_shaded_as_far_as_they_reach_and_open_ones_to_the_end():
    closed = Span(START + 24 * HOUR, START + 48 * HOUR)
    before = Span(START - 24 * HOUR, START + 24 * HOUR)
    made = chart(days(), spans=[closed, before, Span(START + 9 * 24 * HOUR)])
    width = made.right - made.left
    shades = [(one.x, one.width) for one in made.shades]
    assert shades[0] == (pytest.approx(made.left + width / 10, abs=0.2), pytest.approx(width / 10, abs=0.2))
    assert shades[1] == (made.left, pytest.approx(width / 10, abs=0.2))
    assert sum(shades[2]) == pytest.approx(made.right, abs=0.2)


def test_marks_outside_are_left_out_and_crowded_ones_are_not_labelled():
    at = START + 100 * HOUR
    marks = [Mark(at, "Incident mode"), Mark(at + HOUR, "Left"), Mark(START - HOUR, "Before")]
    made = chart(days(), marks=[*marks, Mark(START + 239 * HOUR, "Late")])
    assert [line.label for line in made.marks] == ["Incident mode", "", "Late"]
    assert [line.end for line in made.marks] == [False, False, True]
