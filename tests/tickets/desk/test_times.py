"""Times as the desk says them."""

from datetime import UTC, datetime, timedelta

import pytest

from tickets.desk.times import due_words, span_words

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (59, "now"),
        (60, "1 min"),
        (59 * 60 + 59, "59 min"),
        (3600, "1 h 00"),
        (72 * 60, "1 h 12"),
        (86399, "23 h 59"),
        (86400, "1 d"),
        (3.5 * 86400, "3 d"),
    ],
)
def test_a_span_is_said_in_at_most_two_units(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


@pytest.mark.parametrize(
    ("minutes", "kind", "words"),
    [
        (-22, "late", "Overdue 22 min"),
        (-0.5, "late", "Overdue"),
        (0.5, "soon", "Due now"),
        (8, "soon", "Due in 8 min"),
        (15, "soon", "Due in 15 min"),
        (16, "plain", "Due in 16 min"),
        (180, "plain", "Due in 3 h 00"),
    ],
)
def test_a_due_time_is_late_soon_or_neither(minutes: float, kind: str, words: str) -> None:
    assert due_words(NOW + timedelta(minutes=minutes), NOW) == (kind, words)
