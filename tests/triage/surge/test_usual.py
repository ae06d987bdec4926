"""Ordinary weeks are read before a surge comes, a piece at a time; the first alert says the same as without."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.triage.surge.test_texts import write
from tickets.models import Ticket
from triage.models import SeriesState, Surge, SurgeTerms
from triage.surge import about, texts
from triage.surge.usual import ANEW, GOOD, KNOWN, USUAL

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def weeks() -> None:
    write(*(NOW - n * 6 * HOUR for n in range(1, 112)), subject="Invoice", text="Where is my invoice?")
    SeriesState.objects.bulk_create(SeriesState(series=name, minute=NOW) for name in ("all", "medium:email", "line:a"))


def first_alert() -> tuple[str, dict, int]:
    """What is said of a surge that begins now, what is kept of it, and by how many queries."""
    write(*(NOW + n * timedelta(seconds=3) for n in range(20)), subject="Login", text="I see error 500")
    surge = Surge.objects.create(series="all", began_at=NOW, detected_at=NOW, total=30, expected=6)
    with CaptureQueriesContext(connection) as seen:
        said = about.in_words(surge, NOW + 2 * MINUTE)
    return said, SurgeTerms.objects.values("people", "ordinary", "rule__words", "rule__ordinary").get(), len(seen)


def test_the_first_alert_says_the_same_and_asks_for_no_ordinary_week(weeks):
    said, kept, queries = first_alert()
    assert "of what people write" in said
    assert kept["ordinary"] >= about.KNOWN
    Surge.objects.all().delete()
    Ticket.objects.filter(created_at__gte=NOW).delete()
    assert about.refresh(NOW - MINUTE) == 0
    said_ahead, kept_ahead, queries_ahead = first_alert()
    assert (said_ahead, kept_ahead) == (said, kept)
    assert queries_ahead <= queries - texts.DAYS


def test_one_medium_is_read_at_a_time_and_anew_after_an_hour(weeks):
    assert [USUAL.read_ahead(NOW) for _ in range(3)] == ["", "email", None]
    assert USUAL.read_ahead(NOW + ANEW) == ""


def test_nothing_is_read_ahead_while_a_surge_is_on(weeks):
    Surge.objects.create(series="all", began_at=NOW, detected_at=NOW)
    about.refresh(NOW + MINUTE)
    assert USUAL.read == {}


def test_what_was_read_long_before_a_surge_is_not_used(weeks):
    USUAL.read_ahead(NOW)
    ahead = USUAL.read[""][1]
    assert USUAL.before(NOW + GOOD) is ahead
    assert USUAL.before(NOW + GOOD + MINUTE) is not ahead


def test_a_history_that_is_written_after_nothing_was_read_is_what_a_surge_is_compared_with():
    assert USUAL.read_ahead(NOW) == ""
    assert not USUAL.before(NOW + MINUTE).people
    write(*(NOW - n * 6 * HOUR for n in range(4, 100)), subject="Invoice", text="Where is my invoice?")
    assert len(USUAL.before(NOW + 2 * MINUTE).people) >= KNOWN
