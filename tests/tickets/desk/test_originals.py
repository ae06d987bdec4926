"""A message as it was laid out, in a sandbox, and read again from its original."""

import base64
from email.message import EmailMessage

import pytest

from tests.tickets import mailings
from tickets import intake
from tickets.channels import mail_pipe
from tickets.models import Arrival, AuditEntry, Entry, Ticket

pytestmark = pytest.mark.django_db
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def desk(client, agent):
    client.force_login(agent)
    return client


def laid_out() -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "Jo <jo@example.org>", "With pictures"
    message.set_content("See the pictures.")
    html = '<p onclick="x()">See</p><img src="cid:a@x"><img src="https://far.example/p.gif"><script>x()</script>'
    message.add_alternative(html, subtype="html")
    message.get_payload()[1].add_related(PIXEL, "image", "png", cid="<a@x>", filename="a.png")
    return message.as_bytes()


def taken(raw: bytes) -> Entry:
    intake.understand(mail_pipe.accept(raw, sender="", recipients=[]).arrival)
    return Entry.objects.filter(kind="message").latest("pk")


def test_the_layout_is_shown_in_a_sandbox_with_its_own_images_alone(desk):
    entry = taken(laid_out())
    assert f"/entries/{entry.pk}/formatted/" in desk.get(f"/tickets/{entry.ticket_id}/").content.decode()
    answer = desk.get(f"/entries/{entry.pk}/formatted/")
    page, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "img-src data:;" in policy
    assert "script-src" not in policy
    assert f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}" in page
    assert ' src="https://far.example' not in page
    assert "Show them" in page
    assert "onclick" not in page
    assert "<script" not in page


def test_remote_images_are_shown_when_somebody_asks(desk):
    entry = taken(laid_out())
    answer = desk.get(f"/entries/{entry.pk}/formatted/?images=1")
    assert ' src="https://far.example/p.gif"' in answer.content.decode()
    assert "https:" in answer["Content-Security-Policy"]
    assert answer["Referrer-Policy"] == "no-referrer"


def test_a_message_without_a_layout_has_no_such_page(desk):
    assert desk.get(f"/entries/{taken(mailings.raw_mail()).pk}/formatted/").status_code == 404


def test_what_could_not_be_read_is_read_again_after_an_upgrade(desk, monkeypatch):
    raw = mailings.raw_mail("It does not work.", Subject="Login", Message_ID="<one@x>")
    with monkeypatch.context() as old:
        old.setitem(intake._readers, "mail_pipe", lambda arrival: 1 / 0)
        intake.understand(mail_pipe.accept(raw, sender="", recipients=[]).arrival)
    ticket = Ticket.objects.get()
    entry = ticket.entries.get(kind="message")
    assert ticket.unreadable
    assert "Read again" in desk.get(f"/tickets/{ticket.pk}/").content.decode()
    page = desk.post(f"/entries/{entry.pk}/read-again/", follow=True).content.decode()
    assert "Read again from its original." in page
    ticket.refresh_from_db()
    entry.refresh_from_db()
    assert (ticket.subject, ticket.unreadable) == ("Login", False)
    assert ticket.requester.identities.get().value == "jo@example.org"
    assert entry.visible == "It does not work."
    assert entry.references.get().message_id == "<one@x>"
    assert not entry.attachments.exists()
    assert Arrival.objects.get().state == "understood"
    assert AuditEntry.objects.filter(action="entry.read_again").exists()
    # The customer's next mail finds the ticket by the Message-ID that is known now.
    taken(mailings.raw_mail("More.", In_Reply_To="<one@x>"))
    assert Ticket.objects.count() == 1


def test_what_still_cannot_be_read_stays_as_it_is(desk, monkeypatch):
    entry = taken(mailings.raw_mail("Words."))
    monkeypatch.setitem(intake._readers, "mail_pipe", lambda arrival: 1 / 0)
    page = desk.post(f"/entries/{entry.pk}/read-again/", follow=True).content.decode()
    assert "still cannot be read" in page
    entry.refresh_from_db()
    assert entry.visible == "Words."


@pytest.mark.parametrize("broken", [False, True])
def test_an_arrival_understood_once_more_makes_no_second_entry(broken, monkeypatch):
    entry = taken(mailings.raw_mail("Words.", Message_ID="<one@x>"))
    Entry.objects.filter(pk=entry.pk).update(visible="as an older version read it")
    Arrival.objects.update(state="accepted")
    if broken:
        monkeypatch.setitem(intake._readers, "mail_pipe", lambda arrival: 1 / 0)
    intake.understand_many([Arrival.objects.get().pk])
    entry.refresh_from_db()
    assert entry.visible == ("as an older version read it" if broken else "Words.")
    assert Entry.objects.filter(kind="message").count() == 1
    assert Arrival.objects.get().state != "accepted"
