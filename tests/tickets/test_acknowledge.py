"""Who gets an acknowledgement, what it says, and that it comes once."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import timezone

from tickets import acknowledge, notices, outbox, told
from tickets.message import InboundMessage
from tickets.models import Lane, Medium, Notice, Outgoing, Problem

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def acknowledged(ticket, **message) -> Outgoing | None:
    return acknowledge.consider(ticket, ticket.entries.get(kind="message"), said(**message))


def said(sender: str = "jo@example.org") -> InboundMessage:
    return InboundMessage(medium=Medium.EMAIL, happened_at=timezone.now(), sender=sender, text="It fails.")


@pytest.fixture
def problem(db) -> Problem:
    problem = Problem.objects.create(title="Login", opened_at=timezone.now())
    text = {"en": "We know that logins fail.", "de": "Anmeldungen gehen gerade nicht."}
    notices.show(Notice.Target.ACKNOWLEDGEMENT, text, problem, None, about="update:1")
    return problem


@pytest.mark.parametrize(
    ("kind", "sender", "automatic", "simulated", "wanted"),
    [
        ("email", "jo@example.org", False, False, True),
        ("email", "jo@example.org", True, False, False),
        ("email", "jo@example.org", False, True, False),
        ("phone", "+15550100", False, False, False),
        ("email", "", False, False, False),
        ("email", "MAILER-DAEMON@example.org", False, False, False),
        ("email", "noreply@example.org", False, False, False),
        ("email", "support@example.com", False, False, False),
        ("email", "Support+12-abc@Example.com", False, False, False),
        ("email", "support@example.org", False, False, True),
    ],
)
def test_machines_and_ourselves_get_none(kind, sender, automatic, simulated, wanted):
    assert acknowledge.wants_one(kind, sender, automatic=automatic, simulated=simulated) == wanted


SHOWN = notices.Shown("words", "en", 3, "update:9", NOON)
LOOSE = notices.Shown("words", "en", None, "", NOON)


@pytest.mark.parametrize(
    ("notice", "heard", "plan"),
    [
        (None, set(), acknowledge.Plan(with_notice=False, about=("ack:hour:2026030112",), hourly=True)),
        (LOOSE, set(), acknowledge.Plan(with_notice=True, about=("ack:hour:2026030112",), hourly=True)),
        (SHOWN, set(), acknowledge.Plan(with_notice=True, about=("ack:problem:3", "update:9"))),
        (SHOWN, {"update:9"}, acknowledge.Plan(with_notice=False, about=("ack:problem:3",))),
        (SHOWN, {"ack:problem:3"}, None),
        (SHOWN, {"ack:problem:3", "update:9"}, None),
    ],
)
def test_a_notice_is_told_once_per_person_and_incident(notice, heard, plan):
    assert acknowledge.plan_for(notice, heard, NOON) == plan


@pytest.mark.django_db
def test_the_acknowledgement_names_the_reference_and_quotes_nothing(open_ticket, smtp):
    ticket = open_ticket(subject="BUY PILLS http://evil.example")
    row = acknowledged(ticket)
    assert outbox.send_due(Lane.BULK) == 1
    (message,) = smtp.got
    text = message.get_body(("plain",)).get_content()
    assert f"#{ticket.pk}" in message["Subject"]
    assert f"#{ticket.pk}" in text
    assert "PILLS" not in message.as_string()
    assert "It fails." not in text
    assert message["Auto-Submitted"] == "auto-replied"
    shown = ticket.entries.get(kind="automatic")
    assert (shown.text, shown.outgoing.get()) == (row.text, row)
    assert row.headers["In-Reply-To"] == f"<in-{ticket.pk}@mail.example.org>"


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_acknowledgement_of_a_form_also_names_the_reference_that_the_form_gave(open_ticket, language):
    ticket = open_ticket(language=language)
    message = replace(said(), medium=Medium.WEB, payload={"reference": "4dni-bkmi"})
    row = acknowledge.consider(ticket, ticket.entries.get(kind="message"), message)
    assert f"#{ticket.pk}" in row.text
    assert "4DNI-BKMI" in row.text


@pytest.mark.django_db
def test_the_notice_comes_in_the_tickets_language(open_ticket, problem):
    german = acknowledged(open_ticket("a@example.org", language="de-AT"), sender="a@example.org")
    assert "Anmeldungen gehen gerade nicht." in german.text
    assert german.subject.startswith("Ihre Nachricht ist angekommen")
    other = acknowledged(open_ticket("b@example.org", language="fr"), sender="b@example.org")
    assert "We know that logins fail." in other.text


@pytest.mark.django_db
def test_one_acknowledgement_per_person_and_incident(open_ticket, problem):
    first = open_ticket()
    assert acknowledged(first) is not None
    second = open_ticket(requester=first.requester)
    assert acknowledged(second) is None
    assert not told.tell_once(first.requester, "update:1")


@pytest.mark.django_db
def test_what_a_bulk_reply_told_is_not_repeated(open_ticket, problem):
    ticket = open_ticket()
    told.tell_once(ticket.requester, "update:1")
    row = acknowledged(ticket)
    assert "logins fail" not in row.text
    assert f"#{ticket.pk}" in row.text


@pytest.mark.django_db
def test_without_a_notice_at_most_one_an_hour(open_ticket):
    first = open_ticket()
    with time_machine.travel(datetime(2026, 3, 1, 11, 50, tzinfo=UTC), tick=False) as clock:
        assert acknowledged(first) is not None
        for minutes, expected in ((15, False), (30, False), (30, True)):
            clock.shift(minutes * 60)
            ticket = open_ticket(requester=first.requester)
            assert (acknowledged(ticket) is not None) == expected


@pytest.mark.django_db
def test_an_answer_on_an_open_ticket_is_not_acknowledged(open_ticket):
    ticket = open_ticket()
    entry = ticket.entries.create(kind="message", sender="jo@example.org", happened_at=timezone.now())
    assert acknowledge.consider(ticket, entry, said()) is None
