"""What tests of the outbox share: people, tickets, a mail server."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from tests.tickets import smtp_server
from tickets.models import Entry, Identity, MessageReference, Requester, Ticket


@pytest.fixture
def smtp(settings) -> Iterator[smtp_server.Handler]:
    """A mail server that keeps what it gets; the outbox sends to it."""
    handler = smtp_server.Handler()
    controller = smtp_server.start(handler)
    settings.EMAIL_BACKEND = "tickets.mail.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", controller.port, 1
    settings.MAIL_RATE = 10_000
    yield handler
    handler.stop.set()
    controller.stop()


@pytest.fixture
def agent(db) -> User:
    user = User.objects.create_user("ada", "ada@acme.example", "a long enough one", first_name="Ada", last_name="Byron")
    user.groups.add(Group.objects.get(name="agent"))
    return user


@pytest.fixture
def person(db):
    def make(address: str = "jo@example.org", **values) -> Requester:
        requester = Requester.objects.create(name="Jo", **values)
        Identity.objects.create(requester=requester, kind=Identity.Kind.EMAIL, value=address)
        return requester

    return make


@pytest.fixture
def open_ticket(person):
    def make(address: str = "jo@example.org", language: str = "en", **values) -> Ticket:
        requester = values.pop("requester", None) or person(address, language=language)
        values = {"subject": "Cannot log in", "medium": "email", "created_at": timezone.now(), **values}
        ticket = Ticket.objects.create(requester=requester, language=language, waiting_since=timezone.now(), **values)
        entry = Entry.objects.create(
            ticket=ticket,
            kind="message",
            sender=address,
            text="It fails.",
            visible="It fails.",
            happened_at=timezone.now(),
        )
        MessageReference.objects.create(entry=entry, message_id=f"<in-{ticket.pk}@mail.example.org>", own=True)
        return ticket

    return make
