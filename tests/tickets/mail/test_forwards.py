"""A colleague forwards a customer's mail: the customer becomes the requester, if our mail server vouches for it."""

from email.message import EmailMessage

import pytest
from django.contrib.auth.models import User

from tests.tickets import mailings
from tickets import intake
from tickets.channels import mail_pipe
from tickets.mail import forwards
from tickets.mail.parsing import parse
from tickets.models import Entry, Outgoing, Ticket

GMAIL = """Can you take this one?

---------- Forwarded message ---------
From: Priya Nair <priya@nair-dental.example>
Date: Mon, 23 Nov 2026 at 09:12
Subject: Reminders are late
To: Ada Byron <ada@acme.example>

Since Tuesday the reminders arrive late.
"""
OUTLOOK = """
Von: Priya Nair [mailto:priya@nair-dental.example]
Gesendet: Montag, 23. November 2026 09:12
An: Ada Byron
Betreff: Reminders are late

Since Tuesday the reminders arrive late.
"""
APPLE = """Hi,

Begin forwarded message:

From: Priya Nair <priya@nair-dental.example>
Subject: Reminders are late
Date: 23 November 2026 at 09:12:01 CET
To: ada@acme.example

Since Tuesday the reminders arrive late.
"""
VOUCHED = "mx.acme.example; dkim=pass header.d=acme.example header.s=a; dmarc=pass header.from=acme.example"


@pytest.mark.parametrize(
    ("subject", "text", "comment"),
    [
        ("Fwd: Reminders are late", GMAIL, "Can you take this one?"),
        ("WG: Reminders are late", OUTLOOK, ""),
        ("TR: Fwd: Reminders are late", APPLE, "Hi,"),
    ],
)
def test_the_message_inside_is_found(subject, text, comment):
    found = forwards.find(subject, text, [])
    assert found is not None
    assert (found.email, found.name, found.subject) == ("priya@nair-dental.example", "Priya Nair", "Reminders are late")
    assert (found.text, found.comment) == ("Since Tuesday the reminders arrive late.", comment)


@pytest.mark.parametrize(
    ("subject", "text"), [("Re: Reminders are late", GMAIL), ("Fwd: news", "Look at this."), ("Fwd:", ""), ("", GMAIL)]
)
def test_what_is_no_forward_stays_as_it_is(subject, text):
    assert forwards.find(subject, text, []) is None


@pytest.mark.parametrize(
    ("results", "vouched"),
    [
        ([VOUCHED], True),
        (["mx.acme.example; dkim=pass header.i=@mail.acme.example"], False),
        (["mx.acme.example; dkim=pass header.i=ada@acme.example"], True),
        (["mx.acme.example 1; spf=fail; dmarc=pass (p=reject) header.from=acme.example"], True),
        (["mx.acme.example; dkim=fail header.d=acme.example"], False),
        (["mx.acme.example; dkim=pass header.d=evil.example"], False),
        (["mx.acme.example; dkim=pass header.d=example"], False),
        (["mx.acme.example; dmarc=pass header.from=evil.example"], False),
        (["mx.evil.example; dmarc=pass header.from=acme.example"], False),
        (["mx.acme.example; dmarc=none", VOUCHED], False),
        ([], False),
    ],
)
def test_only_an_aligned_pass_of_our_own_server_counts(settings, results, vouched):
    settings.AUTHENTICATION_SERVER = "mx.acme.example"
    raw = b"".join(b"Authentication-Results: %s\r\n" % value.encode() for value in results)
    head = parse(raw + b"From: Ada <ada@acme.example>\r\n\r\nx").head
    assert forwards.is_vouched_for(head) == vouched


def test_without_a_server_of_ours_nobody_is_believed(settings):
    settings.AUTHENTICATION_SERVER = ""
    assert not forwards.is_vouched_for(parse(f"Authentication-Results: {VOUCHED}\r\n\r\n".encode()).head)


def forward(results: str = VOUCHED, text: str = GMAIL, sender: str = "Ada Byron <ada@acme.example>") -> Ticket:
    raw = mailings.raw_mail(text, From=sender, Subject="Fwd: Reminders are late", Authentication_Results=results)
    intake.understand(mail_pipe.accept(raw).arrival)
    return Ticket.objects.latest("pk")


@pytest.mark.django_db
def test_the_customer_becomes_the_requester_and_the_comment_a_note(settings, agent: User):
    settings.AUTHENTICATION_SERVER = "mx.acme.example"
    ticket = forward()
    assert (ticket.requester.name, ticket.subject) == ("Priya Nair", "Reminders are late")
    message, note = ticket.entries.exclude(kind=Entry.Kind.AUTOMATIC).order_by("pk")
    assert (message.sender, message.visible) == (
        "priya@nair-dental.example",
        "Since Tuesday the reminders arrive late.",
    )
    assert (note.kind, note.author, note.visible) == ("note", agent, "Forwarded by mail. Can you take this one?")
    assert Outgoing.objects.get(kind="ack").to == "priya@nair-dental.example"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("results", "sender"),
    [
        ("mx.acme.example; dmarc=fail header.from=acme.example", "Ada <ada@acme.example>"),
        ("mx.acme.example; dmarc=pass header.from=stranger.example", "Mallory <m@stranger.example>"),
    ],
)
def test_a_forged_colleague_and_a_stranger_stay_the_requester(settings, agent: User, results, sender):
    settings.AUTHENTICATION_SERVER = "mx.acme.example"
    ticket = forward(results, sender=sender)
    assert ticket.requester.identities.get().value in ("ada@acme.example", "m@stranger.example")
    assert not ticket.entries.filter(kind="note").exists()


@pytest.mark.django_db
def test_an_attached_mail_is_read_too(settings, agent: User):
    settings.AUTHENTICATION_SERVER = "mx.acme.example"
    outer = EmailMessage()
    outer["From"], outer["To"], outer["Subject"] = "ada@acme.example", "support@example.com", "Fwd: late"
    outer["Authentication-Results"] = VOUCHED
    outer.set_content("See below.")
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "Priya Nair <priya@nair-dental.example>", "Reminders are late"
    inner.set_content("Since Tuesday.")
    outer.add_attachment(inner)
    intake.understand(mail_pipe.accept(outer.as_bytes()).arrival)
    ticket = Ticket.objects.get()
    assert (ticket.requester.name, ticket.subject) == ("Priya Nair", "Reminders are late")
    assert ticket.entries.filter(kind="message").get().visible == "Since Tuesday."
