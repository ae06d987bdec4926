"""The outbox keeps a row per mail and the ledger per person."""

import pytest

from tickets import outbox, told
from tickets.mail import tokens
from tickets.models import AuditEntry, Identity, Lane, Outgoing, Ticket, Told

pytestmark = pytest.mark.django_db


def bulk(ticket, to="jo@example.org", about=("update:1",), **more):
    draft = {
        "kind": "broadcast", "lane": Lane.BULK, "to": to, "requester": ticket.requester, "ticket": ticket,
        "subject": "News", "text": "It works again.\n", "about": about, "group": "broadcast:1", **more,
    }  # fmt: skip
    return outbox.queue(**draft)


def test_a_reply_leaves_with_the_headers_that_keep_it_on_its_thread(open_ticket, agent, smtp):
    ticket = open_ticket()
    row = outbox.queue_reply(ticket, agent, "Please try again.")
    assert outbox.send(row.pk) == "sent"
    (message,) = smtp.got
    assert message["Message-ID"] == row.message_id
    assert tokens.ticket_of_message_id(row.message_id) == ticket.pk
    assert tokens.ticket_of(message["Reply-To"]) == ticket.pk
    assert message["In-Reply-To"] == f"<in-{ticket.pk}@mail.example.org>"
    assert message["References"].split() == [f"<in-{ticket.pk}@mail.example.org>"]
    assert message["Subject"] == "Re: Cannot log in"
    assert message["Auto-Submitted"] is None
    assert "Please try again." in message.get_body(("plain",)).get_content()
    second = outbox.queue_reply(ticket, agent, "Any news?")
    assert second.headers["References"].split() == [row.message_id, f"<in-{ticket.pk}@mail.example.org>"]


def test_a_reply_is_an_entry_and_moves_the_ticket(open_ticket, agent):
    ticket = open_ticket()
    row = outbox.queue_reply(ticket, agent, "Done & dusted <b>.", solve=True)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.waiting_since) == (Ticket.State.SOLVED, None)
    assert ticket.solved_at is not None
    assert ticket.entries.get(kind="reply").references.get().message_id == row.message_id
    assert "Done & dusted <b>." in row.text
    assert "Done &amp; dusted &lt;b&gt;." in row.html


def test_a_reply_to_somebody_without_an_address_says_so(open_ticket, agent):
    ticket = open_ticket()
    Identity.objects.all().delete()
    with pytest.raises(outbox.NoAddress):
        outbox.queue_reply(ticket, agent, "Hello")
    assert not ticket.entries.filter(kind="reply").exists()


def test_nobody_hears_one_thing_twice_whatever_the_route(open_ticket):
    first, second = open_ticket(), open_ticket(requester=None, address="other@example.org")
    assert bulk(first) is not None
    assert bulk(first, about=("update:1", "closing:1")) is None
    assert bulk(first, kind="update", about=("update:1",)) is None
    assert bulk(second) is not None
    assert not told.tell_once(first.requester, "update:1")
    assert told.tell_once(first.requester, "update:2")
    assert Outgoing.objects.count() == 2


def test_a_batch_counts_each_person_once_and_needs_no_more_queries(open_ticket, django_assert_max_num_queries):
    tickets = [open_ticket(address=f"p{i}@example.org") for i in range(40)]
    drafts = [
        outbox.Draft(kind="broadcast", lane=Lane.BULK, to=f"p{i % 40}@example.org", requester=tickets[i % 40].requester,
                     ticket=tickets[i % 40], subject="s", text="t", about=["update:1"])
        for i in range(80)
    ]  # fmt: skip
    with django_assert_max_num_queries(8):
        rows = outbox.queue_many(drafts)
    assert [row is not None for row in rows] == [True] * 40 + [False] * 40
    assert Told.objects.count() == Outgoing.objects.count() == 40


def test_a_suppressed_address_gets_a_row_that_says_so_and_no_mail(open_ticket, smtp):
    ticket = open_ticket()
    Identity.objects.update(suppressed_at=ticket.created_at, suppressed_why="asked us to")
    assert bulk(ticket) is None
    assert outbox.progress("broadcast:1")["suppressed"] == 1
    assert outbox.send_due(Lane.BULK) == 0
    assert smtp.got == []


def test_suppression_counts_again_at_the_moment_of_sending(open_ticket, smtp):
    ticket = open_ticket()
    row = bulk(ticket)
    Identity.objects.update(suppressed_at=ticket.created_at, suppressed_why="unsubscribed meanwhile")
    outbox.send_due(Lane.BULK)
    row.refresh_from_db()
    assert (row.state, row.error, smtp.got) == ("suppressed", "unsubscribed meanwhile", [])


def test_many_leave_over_one_connection_and_say_that_a_machine_wrote(open_ticket, smtp):
    for i in range(20):
        bulk(open_ticket(address=f"p{i}@example.org"), to=f"p{i}@example.org")
    assert outbox.send_due(Lane.BULK, limit=50) == 20
    assert smtp.connections == 1
    assert sorted(smtp.recipients()) == sorted(f"p{i}@example.org" for i in range(20))
    assert {(m["Auto-Submitted"], m["Precedence"]) for m in smtp.got} == {("auto-generated", "bulk")}


def test_a_person_decides_about_what_failed(open_ticket, smtp, agent):
    row = bulk(open_ticket())
    smtp.refuse["jo@example.org"] = "550 no such user"
    outbox.send_due(Lane.BULK)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "no such user" in row.error
    assert outbox.send_again(row.pk, agent)
    assert not outbox.send_again(row.pk, agent)
    del smtp.refuse["jo@example.org"]
    assert outbox.send_due(Lane.BULK) == 1
    assert [m["Message-ID"] for m in smtp.got] == [row.message_id]
    assert not outbox.count_as_sent(row.pk, agent)
    assert AuditEntry.objects.get().action == "outbox.send_again"
