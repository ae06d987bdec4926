"""The chart's geometry: what is higher stands higher, parts add up, labels keep their distance."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from triage.surge.chart import Bin, Drawing, draw, grid_values
from triage.surge.chart_marks import Mark, Number, Span, Stretch

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


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        ([100], [("Incident mode", False)]),
        ([100, 101], [("Incident mode", False), ("", False)]),
        ([100, 170], [("Incident mode", False), ("Incident mode", False)]),
        ([238], [("Incident mode", True)]),
        ([200, 238], [("Incident mode", True), ("", False)]),
    ],
)
def test_names_never_run_into_each_other(hours, labels):
    made = chart(days(), kind="narrow", width=400, marks=[Mark(START + n * HOUR, "Incident mode") for n in hours])
    assert [(line.label, line.end) for line in made.marks] == labels
    for line in made.marks:
        assert line.at + len(line.label) * 6 * (not line.end) <= made.width


def updates(*hours):
    return [Number(START + hour * HOUR, number) for number, hour in enumerate(hours, 1)]


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        ([], []),
        ([50], ["1"]),
        ([50, 60, 70], ["1", "2", "3"]),
        ([50, 51, 70], ["1–2", "3"]),
        ([50, 51, 52, 53], ["1–4"]),
        ([238, 239], ["1–2"]),
        ([-5, 50, 400], ["2"]),
    ],
)
def test_updates_bear_their_numbers_and_crowded_ones_share_a_label(hours, labels):
    made = chart(days(), updates=updates(*hours))
    assert [line.label for line in made.numbers if line.label] == labels
    assert sum(not line.label for line in made.numbers) == sum(0 <= hour <= 240 for hour in hours)


@pytest.mark.parametrize(("kind", "width"), [("wide", 860), ("narrow", 400)])
def test_thirteen_updates_of_three_days_can_all_be_found(kind, width):
    made = chart(days(), kind=kind, width=width, updates=updates(*(160 + 5.5 * n for n in range(13))))
    told = [line for line in made.numbers if line.label]
    named = set()
    for line in told:
        first, _, last = line.label.partition("–")
        named |= set(range(int(first), int(last or first) + 1))
    assert named == set(range(1, 14))
    edges = sorted((line.at - len(line.label) * 3.5, line.at + len(line.label) * 3.5) for line in told)
    assert all(left[1] <= right[0] for left, right in zip(edges, edges[1:], strict=False))
    assert edges[0][0] >= made.left
    assert edges[-1][1] <= made.right + 1


def test_the_plot_makes_room_for_numbers_only_where_there_are_any():
    assert chart(days(), updates=updates(50)).top > chart(days()).top == chart(days(), updates=updates(900)).top


def test_incidents_are_bars_as_long_as_they_last():
    made = chart(days(), incidents=[Span(START + 24 * HOUR, START + 48 * HOUR, "Incident mode: Login")])
    assert made.incidents == [Stretch(pytest.approx(124.8), pytest.approx(80.8), "Incident mode: Login")]
    assert chart(days(), incidents=[Span(START - 48 * HOUR, START - 24 * HOUR)]).incidents == []


def test_minutes_that_nobody_knows_are_gaps_and_not_zero():
    bins = [Bin(START + n * HOUR, {"phone": 5}, missing=n in (3, 4, 9)) for n in range(10)]
    made = chart(bins)
    step = (made.right - made.left) / 10
    assert [(one.x, one.width) for one in made.gaps] == [
        (pytest.approx(made.left + 3 * step, abs=0.2), pytest.approx(2 * step, abs=0.2)),
        (pytest.approx(made.left + 9 * step, abs=0.2), pytest.approx(step, abs=0.2)),
    ]
    ((_, path),) = made.areas
    assert path.count("M") == path.count("Z") == 2
    assert chart([Bin(START + n * HOUR, {"phone": 5}) for n in range(10)]).gaps == []


def test_nothing_is_drawn_or_said_of_what_is_usual_where_nobody_knows():
    bins = [Bin(START + n * HOUR, {"web": 5}, 9, 2, 20) if n in (3, 4, 6, 7, 8) else bare(n) for n in range(9)]
    made = chart(bins)
    assert made.band.count("M") == made.band.count("Z") == made.upper.count("M") == 2
    step = (made.right - made.left) / 9
    begins = [float(one) for one in re.findall(r"M([\d.]+) ", made.upper)]
    assert begins == [pytest.approx(made.left + 3 * step, abs=0.1), pytest.approx(made.left + 6 * step, abs=0.1)]
    assert min(heights(made.band)) == min(heights(made.upper))
    assert ["expected" in one.label for one in made.tips] == [False, False, True]


def bare(n):
    return Bin(START + n * HOUR, {"web": 5}, known=False)


@pytest.mark.parametrize(
    ("known", "since", "some", "later"),
    [
        ("xxxx", 0, False, False),
        ("..xx", 2, True, False),
        (".x.x", 1, True, True),
        ("..x.", 2, True, True),
        ("x..x", 0, True, True),
        ("....", None, True, False),
    ],
)
def test_a_drawing_says_from_when_on_it_is_known_what_is_usual(known, since, some, later):
    bins = [Bin(START + n * HOUR, {}, known=one == "x") for n, one in enumerate(known)]
    made = Drawing(bins, HOUR, UTC)
    assert made.known_from == (None if since is None else START + since * HOUR)
    assert (made.has_unknown, made.has_unknown_since) == (some, later)


def test_a_pointer_is_told_the_figures_of_every_bin_once():
    bins = [Bin(START + n * HOUR, {"phone": n, "text": 1}, expected=2, missing=n == 4) for n in range(7)]
    made = chart(bins)
    assert [one.label for one in made.tips] == [
        "Sat 14, 00:00–03:00: 6 (phone 3, email 0, web 3), 6 expected",
        "Sat 14, 03:00–06:00: 15 (phone 12, email 0, web 3), 6 expected, partly not known",
        "Sat 14, 06:00–07:00: 7 (phone 6, email 0, web 1), 2 expected",
    ]
    assert sum(one.width for one in made.tips) == pytest.approx(made.right - made.left, abs=0.5)
    assert chart([Bin(START, {}, missing=True)]).tips[0].label == "Sat 14, 00:00–01:00: not known"
    assert chart(bins, kind="narrow").tips == []
