"""What people wrote is sampled: their own words, spread over the time, with as many queries and rows as are allowed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tickets.models import Arrival, Entry, Requester, Ticket
from triage.models import Surge
from triage.surge import texts
from triage.surge.terms import LETTERS

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def write(*times: datetime, text: str = "It is broken.", kind: str = "message", person=None, **values) -> list[Ticket]:
    """A ticket with one message at each time, each by somebody else unless a person is given."""
    visible = values.pop("visible", text)
    people = [person or Requester() for _ in times]
    Requester.objects.bulk_create([who for who in people if who.pk is None])
    plain = {"subject": "Help", "medium": "email"}
    tickets = Ticket.objects.bulk_create(
        Ticket(requester=who, created_at=at, **(plain | values)) for who, at in zip(people, times, strict=True)
    )
    Entry.objects.bulk_create(
        Entry(ticket=ticket, kind=kind, text=text, visible=visible, happened_at=at)
        for ticket, at in zip(tickets, times, strict=True)
    )
    return tickets


def read(start=NOW - HOUR, end=NOW, medium=""):
    return [one.text for one in texts.during(start, end, medium)]


def test_subject_and_new_words_are_read_and_quotes_are_not():
    (ticket,) = write(NOW - HOUR, text="New.\n> login, from our own answer", visible="New.")
    (found,) = texts.during(NOW - HOUR, NOW)
    assert (found.text, found.ticket, found.person) == ("Help\nNew.", ticket.pk, ticket.requester_id)


def test_only_peoples_own_words_of_the_time_are_read():
    write(NOW - 2 * HOUR, NOW, text="before and after")
    for kind in ("reply", "note", "call", "voicemail", "callback", "automatic", "bounce", "event"):
        write(NOW - HOUR, kind=kind)
    write(NOW - HOUR, simulated=True)
    write(NOW - HOUR, unreadable=True)
    assert read() == []


@pytest.mark.parametrize(
    ("counts_as", "is_read"), [("contact", True), ("", True), ("spam", False), ("bulk_answer", False)]
)
def test_what_counts_as_nobodys_contact_is_not_read(counts_as, is_read):
    write(NOW - HOUR)
    arrival = Arrival.objects.create(channel="api", key="a", happened_at=NOW - HOUR, counts_as=counts_as)
    Entry.objects.update(arrival=arrival)
    assert bool(read()) is is_read


def test_the_subject_of_a_callers_ticket_is_ours():
    write(NOW - HOUR, medium="phone", subject="Asked to be called back", text="I wrote as well")
    assert read() == ["I wrote as well"]


def test_one_medium_alone_is_read_where_that_is_asked_for():
    write(NOW - HOUR, medium="web", text="by form")
    write(NOW - HOUR, text="by mail")
    assert read(medium="email") == ["Help\nby mail"]


def test_a_long_text_is_read_in_part():
    write(NOW - HOUR, text="x" * 1_000_000)
    assert len(read()[0]) == LETTERS + len("Help\n")


def test_a_flood_is_sampled_over_all_of_its_time(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(texts, "PER_SLICE", 3)
    write(*(NOW - HOUR + timedelta(seconds=n * 20) for n in range(180)))
    with django_assert_num_queries(texts.SLICES):
        found = texts.during(NOW - HOUR, NOW)
    assert len(found) == 3 * texts.SLICES
    created = {ticket.pk: ticket.created_at for ticket in Ticket.objects.all()}
    eighths = {int((created[one.ticket] - NOW + HOUR) / (HOUR / texts.SLICES)) for one in found}
    assert eighths == set(range(texts.SLICES))


def test_ordinary_weeks_cost_the_same_however_much_there_is(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(texts, "PER_DAY", 5)
    with django_assert_num_queries(texts.DAYS + 1):
        assert texts.ordinary(NOW) == []
    write(*(NOW - n * HOUR for n in range(1, 29 * 24)))
    with django_assert_num_queries(texts.DAYS + 1):
        found = texts.ordinary(NOW)
    assert len(found) == len({one.ticket for one in found}) <= 5 * texts.DAYS
    hours = {Ticket.objects.get(pk=one.ticket).created_at.hour for one in found}
    assert len(hours) == 24, "no hour of the day is left out"


def test_ordinary_weeks_are_those_without_surges():
    write(*(NOW - n * HOUR for n in range(1, 29 * 24)))
    times = {"detected_at": NOW, "series": "all"}
    began, ended = NOW - 12 * DAY, NOW - 6 * DAY
    Surge.objects.create(began_at=began, ended_at=ended, **times)
    Surge.objects.create(began_at=NOW - 25 * DAY, ended_at=NOW - 20 * DAY, dismissed_at=NOW, **times)
    created = [Ticket.objects.get(pk=one.ticket).created_at for one in texts.ordinary(NOW)]
    assert not [at for at in created if began <= at < ended]
    assert [at for at in created if at < began]
    assert [at for at in created if at >= ended]
    assert [at for at in created if NOW - 25 * DAY <= at < NOW - 20 * DAY], "a dismissed one was none"


def test_the_newest_message_is_the_mark_of_what_was_read():
    assert texts.newest(NOW - HOUR, NOW) == 0
    write(NOW - HOUR, NOW - HOUR / 2, NOW + HOUR)
    assert texts.newest(NOW - HOUR, NOW) == Entry.objects.get(happened_at=NOW - HOUR / 2).pk


def test_messages_of_a_time_are_found_without_reading_all_others():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads small tables as a whole")
    write(*(NOW - n * HOUR for n in range(100)))
    plan = texts._messages(NOW - HOUR, NOW, "").order_by("-happened_at", "-pk")[:10].explain()
    assert "entry_messages" in plan
    assert "SCAN" not in plan.replace("SCAN CONSTANT ROW", "")
    assert "TEMP B-TREE FOR ORDER BY" not in plan.replace("LAST TERM OF ORDER BY", "")
