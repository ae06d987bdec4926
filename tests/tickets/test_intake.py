from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.tickets import mailings
from tickets import intake, journal, outbox, receiving
from tickets.channels import mail_pipe
from tickets.mail import tokens
from tickets.models import Arrival, ArrivalState, CountsAs, Entry, Identity, Outgoing, Ticket

pytestmark = pytest.mark.django_db


def pipe(text="It does not work.", sender="", recipients=(), **headers) -> Arrival:
    """One mail through the pipe, understood."""
    kept = mail_pipe.accept(mailings.raw_mail(text, **headers), sender=sender, recipients=recipients)
    intake.understand(kept.arrival)
    return Arrival.objects.get(pk=kept.arrival)


def test_a_mail_opens_a_ticket_and_is_acknowledged_once():
    arrival = pipe()
    ticket = Ticket.objects.get()
    assert (arrival.state, arrival.counts_as) == (ArrivalState.UNDERSTOOD, CountsAs.CONTACT)
    assert ticket.waiting_since == arrival.happened_at
    assert Outgoing.objects.get(kind="ack").to == "jo@example.org"
    intake.understand(arrival.pk)
    assert (Ticket.objects.count(), Outgoing.objects.count()) == (1, 1)


def test_the_answer_to_our_reply_lands_on_the_ticket(agent):
    pipe(Message_ID="<first@example.org>")
    ticket = Ticket.objects.get()
    reply = outbox.queue_reply(ticket, agent, "Please try again.")
    pipe("Now it works.", In_Reply_To=reply.message_id, Subject="Something else")
    ticket.refresh_from_db()
    assert ticket.state == Ticket.State.OPEN
    kinds = [entry.kind for entry in ticket.entries.exclude(kind="automatic")]
    assert kinds == ["message", "reply", "message"]


def test_the_signed_address_leads_to_the_ticket_even_without_references(agent):
    pipe()
    ticket = Ticket.objects.get()
    pipe("More.", To=tokens.reply_address(ticket), Subject="Other")
    assert ticket.entries.exclude(kind="automatic").count() == 2


def test_the_providers_id_leads_to_the_ticket_too(agent):
    pipe()
    reply = outbox.queue_reply(Ticket.objects.get(), agent, "Please try again.")
    Outgoing.objects.filter(pk=reply.pk).update(provider_id="<0101-ses@email.amazonses.com>")
    pipe("More.", References="<0101-ses@email.amazonses.com>")
    assert Ticket.objects.count() == 1


def test_a_stranger_with_the_token_adds_a_message_that_is_marked():
    pipe()
    ticket = Ticket.objects.get()
    pipe("Me too.", From="eve@elsewhere.example", To=tokens.reply_address(ticket))
    entry = ticket.entries.last()
    assert entry.payload["stranger"] is True
    ticket.refresh_from_db()
    assert ticket.requester.identities.get().value == "jo@example.org"


@pytest.mark.parametrize(("sender", "tickets"), [("jo@example.org", 1), ("eve@elsewhere.example", 2)])
def test_a_number_in_the_subject_counts_only_for_who_takes_part(sender, tickets):
    pipe()
    pipe("More.", From=sender, Subject=f"About #{Ticket.objects.get().pk}")
    assert Ticket.objects.count() == tickets


def test_mail_may_be_understood_out_of_order():
    pipe("The second.", Message_ID="<b@example.org>", In_Reply_To="<a@example.org>")
    pipe("The first.", Message_ID="<a@example.org>")
    assert Ticket.objects.get().entries.filter(kind="message").count() == 2


def test_the_same_message_id_with_another_body_is_another_message():
    pipe("One.", Message_ID="<same@example.org>")
    pipe("Two.", Message_ID="<same@example.org>")
    assert Entry.objects.filter(kind="message").count() == 2


def test_an_automatic_answer_joins_silently(agent):
    pipe()
    ticket = Ticket.objects.get()
    reply = outbox.queue_reply(ticket, agent, "Please try again.", solve=True)
    arrival = pipe("I am away.", In_Reply_To=reply.message_id, Auto_Submitted="auto-replied")
    ticket.refresh_from_db()
    assert ticket.state == Ticket.State.SOLVED
    assert (ticket.entries.last().kind, arrival.counts_as) == ("automatic", CountsAs.AUTOMATIC)


def test_a_machine_gets_no_acknowledgement():
    pipe(Precedence="bulk")
    assert not Outgoing.objects.exists()


def test_our_own_mail_coming_back_is_dropped_and_counted():
    arrival = pipe(Message_ID=tokens.message_id(None))
    assert (arrival.counts_as, Ticket.objects.count()) == (CountsAs.OWN, 0)


def test_a_bounce_marks_the_mail_and_the_address_and_tells_the_agent(agent):
    pipe()
    ticket = Ticket.objects.get()
    reply = outbox.queue_reply(ticket, agent, "Please try again.")
    bounce = f"""From: MAILER-DAEMON@mx.example.org
To: support@example.com
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; jo@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {reply.message_id}
--b--
"""
    kept = mail_pipe.accept(bounce.encode())
    intake.understand(kept.arrival)
    reply.refresh_from_db()
    assert reply.bounced_at is not None
    assert "no such user" in reply.error
    assert Identity.objects.get().suppressed_at is not None
    assert ticket.entries.last().kind == "bounce"
    assert Arrival.objects.get(pk=kept.arrival).counts_as == CountsAs.BOUNCE
    assert Ticket.objects.count() == 1


def test_a_reply_long_after_the_solution_opens_a_new_ticket_that_links_back(agent):
    pipe()
    ticket = Ticket.objects.get()
    reply = outbox.queue_reply(ticket, agent, "Done.", solve=True)
    Ticket.objects.update(solved_at=timezone.now() - timedelta(days=30))
    pipe("Again.", In_Reply_To=reply.message_id)
    assert Ticket.objects.count() == 2
    assert Ticket.objects.latest("pk").entries.get(kind="message").payload["follows"] == ticket.pk


def test_a_readers_own_fault_makes_an_unreadable_ticket_and_the_next_is_unharmed(monkeypatch):
    def broken(arrival):
        raise ZeroDivisionError("a fault of the reader")

    monkeypatch.setitem(intake._readers, "mail_pipe", broken)
    arrival = pipe("Lost?")
    ticket = Ticket.objects.get()
    assert arrival.state == ArrivalState.UNREADABLE
    assert ticket.unreadable
    assert b"Lost?" in journal.blobs.read(ticket.entries.get().attachments.get().blob)
    monkeypatch.undo()
    assert pipe("Next.").state == ArrivalState.UNDERSTOOD


def test_a_fault_of_the_database_waits_and_is_tried_again(monkeypatch):
    def away(message, arrival):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(intake, "receive", away)
    arrival = pipe()
    assert (arrival.state, arrival.attempts) == (ArrivalState.WAITING, 1)
    assert arrival.next_try_at > timezone.now()
    monkeypatch.undo()
    intake.understand(arrival.pk)
    arrival.refresh_from_db()
    assert arrival.state == ArrivalState.UNDERSTOOD
    assert Ticket.objects.count() == 1


def test_the_sweep_nudges_what_no_worker_took(monkeypatch):
    kept = mail_pipe.accept(mailings.raw_mail())
    sent = []
    monkeypatch.setattr("tickets.nudge.send", lambda task, *args, **options: sent.append(args))
    assert intake.sweep() == 0
    Arrival.objects.update(accepted_at=timezone.now() - timedelta(seconds=30))
    assert intake.sweep() == 1
    assert sent == [([kept.arrival],)]


def test_what_the_door_knew_is_not_overruled():
    incoming = journal.Incoming("web_form", "k", "jo@example.org", timezone.now(),
                                {"email": "jo@example.org", "message": "x"}, counts_as=CountsAs.SIMULATED)  # fmt: skip
    intake.understand(journal.accept(incoming).arrival)
    assert Arrival.objects.get().counts_as == CountsAs.SIMULATED


def test_one_for_which_no_ticket_can_be_made_waits_and_does_not_stop_the_next(monkeypatch):
    poison = mail_pipe.accept(mailings.raw_mail("One.")).arrival
    sound = mail_pipe.accept(mailings.raw_mail("Two.")).arrival
    write = receiving._new_entry

    def fragile(ticket, message, arrival):
        # Neither the message nor a ticket in its place can be written.
        if arrival.pk == poison:
            raise RuntimeError("a fault of ours")
        return write(ticket, message, arrival)

    monkeypatch.setattr(receiving, "_new_entry", fragile)
    assert intake.understand_all() == 2
    states = dict(Arrival.objects.values_list("pk", "state"))
    assert states == {poison: ArrivalState.WAITING, sound: ArrivalState.UNDERSTOOD}
