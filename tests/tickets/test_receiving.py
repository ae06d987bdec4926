"""Messages received in blocks end as they would one by one, in as many queries for many as for few."""

import random
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.tickets import mailings
from tickets import intake, receiving
from tickets.channels import mail_pipe
from tickets.message import InboundMessage
from tickets.models import (
    Arrival,
    Entry,
    Identity,
    MessageReference,
    Outgoing,
    Requester,
    Restraint,
    Ticket,
    Told,
)

pytestmark = pytest.mark.django_db


def keep(*raws):
    return [mail_pipe.accept(raw, sender="", recipients=["support@example.com"]).arrival for raw in raws]


def mail(number, text="It does not work.", **headers):
    return mailings.raw_mail(
        text, From=f"Person {number} <p{number}@acme{number}.example>", Message_ID=f"<m{number}@x.example>", **headers
    )


def test_a_block_of_new_tickets_costs_what_one_costs():
    few, many = keep(*map(mail, range(3))), keep(*map(mail, range(10, 50)))
    with CaptureQueriesContext(connection) as for_few:
        intake.understand_many(few)
    with CaptureQueriesContext(connection) as for_many:
        intake.understand_many(many)
    assert len(for_many) == len(for_few) < 45
    assert Ticket.objects.count() == Outgoing.objects.filter(kind="ack").count() == 43
    assert set(Arrival.objects.values_list("state", "counts_as", "counted")) == {("understood", "contact", False)}


def test_each_ticket_has_what_its_own_sender_wrote():
    intake.understand_many(keep(*(mail(n, f"Words {n}.", Subject=f"Subject {n}") for n in range(20))))
    for number in range(20):
        ticket = Ticket.objects.get(subject=f"Subject {number}")
        assert ticket.requester.identities.get().value == f"p{number}@acme{number}.example"
        first, acknowledged = ticket.entries.order_by("pk")
        assert first.visible == f"Words {number}."
        assert first.references.get().message_id == f"<m{number}@x.example>"
        sent = Outgoing.objects.get(ticket=ticket)
        assert (sent.to, sent.entry, sent.text) == (f"p{number}@acme{number}.example", acknowledged, acknowledged.text)
        assert f"#{ticket.pk}" in sent.subject + sent.text
        assert acknowledged.references.get().message_id == sent.message_id


def test_one_that_fails_stops_none_of_its_block(monkeypatch):
    ids = keep(*(mail(n, f"Words {n}.") for n in range(6)))
    sound = receiving._new_entry

    def fragile(ticket, message, arrival):
        if message.text == "Words 3.":
            raise TypeError("a fault of ours")
        return sound(ticket, message, arrival)

    monkeypatch.setattr(receiving, "_new_entry", fragile)
    intake.understand_many(ids)
    assert Ticket.objects.filter(unreadable=False).count() == 5
    assert Ticket.objects.filter(unreadable=True).count() == 1
    assert [pk for pk, state in Arrival.objects.values_list("pk", "state") if state == "unreadable"] == [ids[3]]


def test_what_cannot_be_read_is_a_ticket_and_the_rest_are_too(monkeypatch):
    ids = keep(*(mail(n, f"Words {n}.") for n in range(4)))
    sound = intake._readers["mail_pipe"]

    def fragile(arrival):
        if arrival.pk == ids[1]:
            raise ValueError("broken")
        return sound(arrival)

    monkeypatch.setitem(intake._readers, "mail_pipe", fragile)
    intake.understand_many(ids)
    assert Ticket.objects.filter(unreadable=True).count() == 1
    assert Ticket.objects.filter(unreadable=False).count() == 3
    assert Arrival.objects.get(pk=ids[1]).state == "unreadable"


def test_somebody_who_wrote_before_is_the_same_person():
    intake.understand_many(keep(mail(1)))
    intake.understand_many(keep(mail(2), mailings.raw_mail("Again.", From="P <P1@acme1.example>", Subject="Other")))
    assert Requester.objects.count() == 2
    assert Ticket.objects.count() == 3
    assert Outgoing.objects.filter(kind="ack", to="p1@acme1.example").count() == 1


def test_counts_of_a_block_hold_back_what_they_would_one_by_one():
    """A robot that changes its sender within one block is told no more often than across blocks."""
    same = [
        mailings.raw_mail("I have received your message.", From=f"r{n}@robots.example", Message_ID=f"<r{n}@x>")
        for n in range(8)
    ]
    intake.understand_many(keep(*same))
    assert Ticket.objects.count() == 8
    assert Outgoing.objects.filter(kind="ack").count() == 2
    assert Restraint.objects.get(key="held").count == 6
    assert Restraint.objects.get(key="domain:robots.example").count == 2


# ── the same as one by one ───────────────────────────────────────────────────────────────────────────────────────────


def flood(seed):
    """Messages of few people: new ones, answers to others here, the same once more, machines, a bounce."""
    chance = random.Random(seed)
    raws = []
    for number in range(24):
        sender = chance.randrange(8)
        headers = {"From": f"p{sender}@acme.example", "Message_ID": f"<{seed}.{number}@x>", "Subject": f"S{number}"}
        kind = chance.randrange(6)
        if kind == 1 and number:
            headers["In_Reply_To"] = f"<{seed}.{chance.randrange(number)}@x>"
        elif kind == 2:
            headers["References"] = f"<{seed}.root@x>"
        elif kind == 3:
            headers["Auto_Submitted"] = "auto-replied"
        elif kind == 4 and raws:
            raws.append(chance.choice(raws) + b"\n")
            continue
        raws.append(mailings.raw_mail(f"Words of {number}.", **headers))
    return raws


def outcome():
    """What came of them, without the numbers of rows."""
    tickets = dict(Ticket.objects.values_list("pk", "subject"))
    entries = [
        (tickets[ticket], kind, sender, visible.partition("#")[0][:60])
        for ticket, kind, sender, visible in Entry.objects.order_by("pk").values_list(
            "ticket", "kind", "sender", "visible"
        )
    ]
    return (
        sorted(Ticket.objects.values_list("subject", "state", "language")),
        sorted(entries),
        sorted(Identity.objects.values_list("value", flat=True)),
        sorted(Outgoing.objects.values_list("to", "kind")),
        sorted(Arrival.objects.values_list("counts_as", flat=True)),
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_flood_ends_as_it_would_one_by_one(seed):
    for pk in keep(*flood(seed)):
        intake.understand(pk)
    alone = outcome()
    for model in (Outgoing, Entry, Ticket, Arrival):
        _empty(model)
    intake.understand_many(keep(*flood(seed)))
    assert outcome() == alone


def _empty(model):
    Told.objects.all().delete()
    MessageReference.objects.all().delete()
    Restraint.objects.all().delete()
    model.objects.all().delete()
    if model is Ticket:
        Identity.objects.all().delete()
        Requester.objects.all().delete()


# ── where blocks are cut ─────────────────────────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(["", "<1@x>", "<2@x>", "<3@x>", "<4@x>"])
MESSAGES = st.lists(
    st.tuples(st.sampled_from(["", "a@x", "b@x", "C@x", "c@x"]), NAMES, st.lists(NAMES.filter(bool), max_size=2))
)


@given(MESSAGES, st.integers(1, 5))
def test_no_two_of_a_block_have_to_do_with_each_other(described, most):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    items = [
        (
            InboundMessage(
                medium="email", happened_at=now, sender=sender, message_id=own, references=tuple(references)
            ),
            place,
        )
        for place, (sender, own, references) in enumerate(described)
    ]
    blocks = receiving.blocks(items, most)
    assert [place for block in blocks for _, place in block] == list(range(len(items)))
    for block in blocks:
        assert 1 <= len(block) <= most
        senders = [message.sender.lower() for message, _ in block if message.sender]
        assert len(senders) == len(set(senders))
        ids = [message.message_id for message, _ in block if message.message_id]
        assert len(ids) == len(set(ids))
        for place, (message, _) in enumerate(block):
            others = {other.message_id for at, (other, _) in enumerate(block) if at != place}
            assert not others & set(message.references) - {""}
