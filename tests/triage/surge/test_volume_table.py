"""The table has the figures of the chart, and says what went on meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from triage.surge.chart import Bin, Drawing
from triage.surge.chart_marks import Number, Span
from triage.surge.volume_table import rows_of

START = datetime(2026, 11, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


def table(size=24, hours=72, **more):
    bins = [Bin(START + n * HOUR, {"phone": 1, "text": 2}, 5, missing=n in (30, 31)) for n in range(hours)]
    return rows_of(Drawing(bins, HOUR, UTC, **more), size)


def test_rows_add_up_what_the_bins_hold_the_newest_first():
    rows = table()
    assert [row.at for row in rows] == [START + n * HOUR for n in (48, 24, 0)]
    assert [(row.layers, row.total, row.expected, row.missing) for row in rows] == [
        ([24, 0, 48], 72, 120, missing) for missing in (0, 2, 0)
    ]
    assert [row.total for row in table(size=24, hours=30)] == [18, 72]


def test_rows_say_what_was_expected_only_where_all_of_it_is_known():
    bins = [Bin(START + n * HOUR, {"web": 1}, 5, known=n >= 30) for n in range(72)]
    assert [row.expected for row in rows_of(Drawing(bins, HOUR, UTC), 24)] == [120, None, None]


@pytest.mark.parametrize(
    ("more", "meanwhile"),
    [
        ({}, ["", "", ""]),
        ({"spans": [Span(START + 50 * HOUR)]}, ["surge", "", ""]),
        ({"spans": [Span(START + 20 * HOUR, START + 25 * HOUR)]}, ["", "surge", "surge"]),
        ({"spans": [Span(START, START + 24 * HOUR)]}, ["", "", "surge"]),
        ({"incidents": [Span(START - HOUR)], "spans": [Span(START)]}, ["surge, incident mode"] * 3),
        ({"updates": [Number(START + 24 * HOUR, 2), Number(START, 1)]}, ["", "update 2", "update 1"]),
        ({"updates": [Number(START + 2 * HOUR, 2), Number(START, 1)]}, ["", "", "updates 1, 2"]),
    ],
)
def test_it_says_what_the_chart_marks(more, meanwhile):
    assert [row.meanwhile for row in table(**more)] == meanwhile
