"""From a door to an answer and back: a form becomes a ticket, is acknowledged, answered, and threads when answered."""

import re

import pytest
from django.utils import timezone

from tickets import intake, journal, notices, outbox
from tickets.models import Lane, Notice, Outgoing, Problem, Ticket

pytestmark = pytest.mark.django_db
SAID = {"name": "Jo", "email": "jo@example.org", "subject": "Login", "message": "It fails.", "language": "de"}


def fill_in(client, **changes) -> None:
    page = client.get("/help/").content.decode()
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)[1]
    for _ in range(2):
        assert client.post("/help/", {**SAID, "nonce": nonce, **changes}).status_code == 302
    intake.understand_all()


def test_a_form_is_one_ticket_and_one_acknowledgement_in_its_language(client, smtp):
    fill_in(client)
    ticket = Ticket.objects.get()
    assert (ticket.medium, ticket.subject, ticket.language) == ("web", "Login", "de")
    assert outbox.send_due(Lane.BULK) == 1
    assert "Ihre Nachricht ist angekommen" in smtp.got[0]["Subject"]
    intake.understand_all()
    assert Outgoing.objects.count() == 1


def test_in_incident_mode_two_forms_of_one_person_get_one_acknowledgement_with_the_notice(client, smtp):
    problem = Problem.objects.create(title="Login", opened_at=timezone.now())
    notices.show(Notice.Target.ACKNOWLEDGEMENT, {"en": "We know."}, problem, None, about="update:1")
    fill_in(client)
    fill_in(client, message="Still failing.")
    outbox.send_due(Lane.BULK)
    assert Ticket.objects.count() == 2
    assert ["We know." in message.get_body(("plain",)).get_content() for message in smtp.got] == [True]


def test_the_customers_answer_to_our_reply_joins_the_ticket(client, agent, smtp):
    fill_in(client)
    ticket = Ticket.objects.get()
    outbox.send(outbox.queue_reply(ticket, agent, "Please try again.").pk)
    reply = smtp.got[0]
    answer = (
        f"From: Jo <jo@example.org>\r\nTo: {reply['Reply-To']}\r\nSubject: Re: x\r\n"
        f"Message-ID: <answer@example.org>\r\nIn-Reply-To: {reply['Message-ID']}\r\n\r\nWorks, thanks.\r\n"
    )
    incoming = journal.Incoming(
        channel="mail_pipe",
        key="k",
        sender="jo@example.org",
        happened_at=timezone.now(),
        payload={"sender": "jo@example.org", "recipients": [reply["Reply-To"]]},
        body=answer.encode(),
    )
    journal.accept(incoming)
    intake.understand_all()
    ticket.refresh_from_db()
    assert (Ticket.objects.count(), ticket.state, ticket.entries.filter(kind="message").count()) == (1, "open", 2)
    again = outbox.queue_reply(ticket, agent, "Glad to hear.")
    assert again.headers["In-Reply-To"] == "<answer@example.org>"
    assert reply["Message-ID"] in again.headers["References"]
