import pytest

from tests.tickets import mailings
from tickets import intake, spool
from tickets.channels import refusals
from tickets.models import Arrival, Entry, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": mailings.SIGNING_KEY}


@pytest.fixture
def basic_secret(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [mailings.SECRET]}


def test_a_raw_delivery_becomes_a_ticket(client):
    answer = client.post("/mail/in/mailgun/", mailings.mailgun(mailings.raw_mail("Nothing works.")))
    assert answer.status_code == 200
    intake.understand_all()
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.medium, ticket.last_from) == ("Help", "email", "Jo Doe")
    assert ticket.entries.get(kind="message").visible == "Nothing works."


def test_a_parsed_delivery_becomes_a_ticket(client, basic_secret):
    body = mailings.postmark("Nothing works.")
    answer = client.post("/mail/in/postmark/", body, content_type="application/json", **mailings.basic())
    assert answer.status_code == 200
    intake.understand_all()
    assert Entry.objects.get(kind="message").visible == "Nothing works."
    assert Ticket.objects.get().requester.identities.get().value == "jo@example.org"


def test_a_delivery_sent_twice_is_one(client):
    for _ in range(2):
        client.post("/mail/in/mailgun/", mailings.mailgun(mailings.raw_mail()))
    intake.understand_all()
    assert (Arrival.objects.count(), Ticket.objects.count()) == (1, 1)


def test_one_message_by_two_ways_is_one(client):
    raw = mailings.raw_mail(Message_ID="<one@example.org>")
    for token in ("a" * 50, "b" * 50):
        client.post("/mail/in/mailgun/", mailings.mailgun(raw, token=token))
    intake.understand_all()
    assert (Arrival.objects.count(), Entry.objects.filter(kind="message").count()) == (2, 1)
    assert sorted(Arrival.objects.values_list("counts_as", flat=True)) == ["contact", "step"]


@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_wrong_signature_is_refused_and_nothing_stored(client, key):
    answer = client.post("/mail/in/mailgun/", mailings.mailgun(mailings.raw_mail(), key=key))
    assert answer.status_code == 403
    assert not Arrival.objects.exists()
    assert not spool.waiting()
    assert refusals.recent() == {"mail/mailgun": 1}


def test_without_a_secret_the_door_is_shut(client, settings):
    settings.ANYMAIL = {}
    assert client.post("/mail/in/mailgun/", mailings.mailgun(mailings.raw_mail())).status_code == 403
    answer = client.post("/mail/in/postmark/", mailings.postmark(), content_type="application/json", **mailings.basic())
    assert answer.status_code == 403


def test_a_wrong_password_is_refused(client, basic_secret):
    wrong = mailings.basic("provider:guessed")
    assert client.post("/mail/in/postmark/", "{}", content_type="application/json", **wrong).status_code == 403
    assert not Arrival.objects.exists()


def test_an_empty_body_is_malformed(client, basic_secret):
    answer = client.post("/mail/in/postmark/", "", content_type="application/json", **mailings.basic())
    assert answer.status_code == 400
    assert answer.content.count(b"\n") == 1


def test_a_body_that_is_no_delivery_is_malformed_and_says_so_in_a_line(client, basic_secret):
    answer = client.post("/mail/in/postmark/", "[not json", content_type="application/json", **mailings.basic())
    assert (answer.status_code, answer.content.count(b"\n")) == (400, 1)
    assert not Arrival.objects.exists()


def test_a_delivery_that_cannot_be_read_becomes_an_unreadable_ticket_with_its_original(client, basic_secret):
    body = '{"FromFull": 7}'
    answer = client.post("/mail/in/postmark/", body, content_type="application/json", **mailings.basic())
    assert answer.status_code == 200
    intake.understand_all()
    ticket = Ticket.objects.get()
    assert ticket.unreadable
    assert ticket.entries.get().attachments.get().size == len(body)


def test_when_it_can_be_kept_nowhere_the_sender_is_told_to_try_again(client, monkeypatch):
    def full(record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tickets.journal._store_here", lambda record: None)
    monkeypatch.setattr(spool, "write", full)
    answer = client.post("/mail/in/mailgun/", mailings.mailgun(mailings.raw_mail()))
    assert answer.status_code == 503


def test_an_unknown_provider_is_not_found(client):
    assert client.post("/mail/in/nobody/", "x", content_type="text/plain").status_code == 404
