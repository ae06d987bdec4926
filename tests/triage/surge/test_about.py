"""What a surge is about is worked out as people write, kept, and read by whoever asks; never by a page view."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.triage.surge.test_texts import write
from tickets import changes
from tickets.models import Change
from triage.models import Surge, SurgeTerms
from triage.surge import about
from triage.watch import CHORES

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def surge() -> Surge:
    """A surge of ten minutes in which twenty people write about the login, after four weeks of other things."""
    write(*(NOW - n * 6 * HOUR for n in range(1, 112)), subject="Invoice", text="Where is my invoice?")
    write(*(NOW - n * 20 * timedelta(seconds=1) for n in range(1, 21)), subject="Login", text="I see error 500")
    write(*(NOW - n * 60 * timedelta(seconds=1) for n in range(1, 6)), subject="Invoice", text="Where is my invoice?")
    facts = {"detected_at": NOW, "total": 100, "expected": 10}
    return Surge.objects.create(series="all", began_at=NOW - 10 * MINUTE, **facts)


def test_it_is_worked_out_kept_and_said(surge):
    assert about.shown(Surge.objects.get()) is None
    assert about.refresh(NOW) == 1
    found = about.shown(Surge.objects.select_related("terms").get())
    assert found is not None
    assert (found.people, found.rule.share) == (25, "80 %")
    assert found.rule.coverage == "80 % of the surge, 0 % of an ordinary week"
    assert {ticket.subject for ticket in found.rule.samples} == {"Login"}
    assert found.ordinary >= about.KNOWN
    assert about.in_words(surge, NOW) == f"{', '.join(found.rule.words)} (80 % of what people write)"
    assert not any("invoice" in word for term in found.terms for word in term.words)


def test_it_is_worked_out_anew_when_it_is_due_and_somebody_wrote(surge, django_assert_max_num_queries):
    assert about.refresh(NOW) == 1
    assert about.refresh(NOW + 30 * timedelta(seconds=1)) == 0
    with django_assert_max_num_queries(5):
        assert about.refresh(NOW + 5 * MINUTE) == 0, "nobody wrote"
    write(*(NOW + n * timedelta(seconds=1) for n in range(60)), subject="Calendar", text="The calendar is empty")
    assert about.refresh(NOW + 5 * MINUTE) == 1
    assert any("calendar" in word for word in SurgeTerms.objects.get().rule["words"])


def test_the_watch_sees_to_it():
    assert about.refresh in [chore.do for chore in CHORES]


def test_an_alert_needs_nobody_to_have_worked_it_out_before(surge):
    assert "(80 % of what people write)" in about.in_words(surge, NOW)


def test_where_nobody_wrote_nothing_is_said():
    surge = Surge.objects.create(series="all", began_at=NOW - 10 * MINUTE, detected_at=NOW)
    assert about.in_words(surge, NOW) == ""
    found = about.shown(surge)
    assert found is not None
    assert (found.people, found.terms, found.rule) == (0, [], None)


def test_two_people_are_too_few_to_speak_of(surge):
    few = Surge.objects.create(series="medium:web", began_at=NOW + HOUR, detected_at=NOW)
    write(*[NOW + HOUR] * 2, text="chinchilla escaped", medium="web")
    assert about.in_words(few, NOW + 2 * HOUR) == ""


def test_of_ordinary_weeks_that_are_hardly_known_nothing_is_claimed():
    write(*(NOW - n * timedelta(seconds=1) for n in range(1, 21)), text="I see error 500")
    Surge.objects.create(series="all", began_at=NOW - 10 * MINUTE, detected_at=NOW)
    about.refresh(NOW)
    found = about.shown(Surge.objects.get())
    assert found is not None
    assert found.rule.coverage.endswith("of the surge, ordinary weeks not known yet")


def test_parts_dismissed_ones_and_old_ones_are_left_alone(surge):
    times = {"began_at": NOW - 10 * MINUTE, "detected_at": NOW}
    Surge.objects.create(series="line:main", parent=surge, **times)
    Surge.objects.create(series="medium:web", dismissed_at=NOW, **times)
    Surge.objects.create(
        series="medium:email", ended_at=NOW - about.AFTER - MINUTE, began_at=NOW - DAY, detected_at=NOW
    )
    about.refresh(NOW)
    assert [row.surge for row in SurgeTerms.objects.all()] == [surge]


def test_pages_that_wait_for_it_are_told(surge, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        about.refresh(NOW)
    before = Change.objects.get(topic="surge").value
    with django_capture_on_commit_callbacks(execute=True):
        about.refresh(NOW + MINUTE)
    assert Change.objects.get(topic="surge").value == before
    assert changes.FLOOR > 0


def test_reading_it_costs_one_query(surge, django_assert_num_queries):
    about.refresh(NOW)
    found = Surge.objects.select_related("terms").get()
    with django_assert_num_queries(1):
        about.shown(found)


def test_a_rule_is_held_against_ordinary_weeks(surge):
    hits, people = about.reach(["invoice"], NOW - 10 * MINUTE)
    assert hits == people >= about.KNOWN
    assert about.reach(["500"], NOW - 10 * MINUTE) == (0, people)


@pytest.mark.parametrize(
    ("age", "ended", "since", "expected"),
    [
        (10 * MINUTE, None, 30 * MINUTE / 60, False),
        (10 * MINUTE, None, MINUTE, True),
        (2 * HOUR, None, 5 * MINUTE, False),
        (2 * HOUR, None, 6 * MINUTE, True),
        (3 * DAY, None, 9 * MINUTE, False),
        (3 * DAY, None, 10 * MINUTE, True),
        (2 * HOUR, 1 * HOUR, 30 * MINUTE, False),
        (2 * HOUR, 1 * HOUR, 90 * MINUTE, True),
    ],
)
def test_the_longer_it_lasts_the_less_often_it_is_looked_at(age, ended, since, expected):
    began = NOW - age
    assert about.due(NOW - since, began, NOW - ended if ended else None, NOW) is expected


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (0.0004, "0.1 %"), (0.012, "1.2 %"), (0.0996, "10 %"), (0.83, "83 %"), (1, "100 %")],
)
def test_shares_are_told_in_per_cent(share, words):
    assert about.percent(share) == words
