"""Makes people, tickets and what stands around them for tests."""

from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.utils import timezone

from tickets import journal
from tickets.models import Entry, Identity, Problem, Requester, Ticket

PASSWORD = "a calm harbour"
_numbers = count(1)


@cache
def _hash() -> str:
    """Hashing is slow on purpose; once is enough for all."""
    return make_password(PASSWORD)


def person(role: str = "agent", name: str = "") -> Any:
    """Somebody who works here. Their username is the role and a number."""
    number = next(_numbers)
    first, _, last = (name or f"{role.title()} {number}").partition(" ")
    made = get_user_model().objects.create_user(
        username=f"{role}{number}",
        email=f"{role}{number}@example.com",
        first_name=first,
        last_name=last,
    )
    made.password = _hash()
    made.save(update_fields=["password"])
    made.groups.set(Group.objects.filter(name=role))
    return made


def problem(title: str = "Logins failing") -> Problem:
    return Problem.objects.create(title=title, opened_at=timezone.now())


def ticket(subject: str = "Calendar does not load", waiting: float = 5, **values: Any) -> Ticket:
    """An open ticket whose requester has waited for `waiting` minutes, with their message and its arrival."""
    number = next(_numbers)
    address = values.pop("address", f"customer{number}@example.org")
    text = values.pop("text", "Only a spinner since this morning.")
    at: datetime = timezone.now() - timedelta(minutes=waiting)
    identity = Identity.objects.filter(value=address).first()
    requester = identity.requester if identity else Requester.objects.create(name=values.pop("name", ""))
    if identity is None:
        kind = Identity.Kind.PHONE if address.startswith("+") else Identity.Kind.EMAIL
        Identity.objects.create(requester=requester, kind=kind, value=address)
    known = {"medium": "email", "created_at": at, "waiting_since": at, "last_text": text, "last_from": address}
    made = Ticket.objects.create(subject=subject, requester=requester, **{**known, **values})
    body = f"From: {address}\nSubject: {subject}\n\n{text}".encode()
    incoming = journal.Incoming("mail_pipe", f"made:{number}", address, at, payload={}, body=body)
    (arrival,) = journal.record([incoming])
    kind = Entry.Kind.MESSAGE
    Entry.objects.create(
        ticket=made, kind=kind, sender=address, text=text, visible=text, happened_at=at, arrival_id=arrival
    )
    return made
