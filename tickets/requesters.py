"""Who is asking: finds or makes the requesters behind addresses and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from tickets.message import storable
from tickets.models import Identity, Requester


@dataclass(frozen=True, slots=True)
class Sender:
    """An address or a number (`kind`: Identity.Kind), and what it says of whom it belongs to."""

    kind: str
    value: str
    name: str = ""
    language: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """As its identity is stored."""
        return self.kind, storable(self.value.strip().lower(), 320)


def requester_of(kind: str, value: str, *, name: str = "", language: str = "") -> Requester:
    """The requester with this identity, made if new. An unknown sender (empty value) is somebody new each time."""
    return requesters_of([Sender(kind, value, name, language)])[0]


def requesters_of(senders: Sequence[Sender]) -> list[Requester]:
    """The requester of each, in as many queries for many as for one. No identity may be there twice."""
    known = _known(senders)
    new = [sender for sender in senders if sender.key not in known]
    try:
        with transaction.atomic():
            made = _make(new)
    except IntegrityError:
        # Somebody made one of them at this moment.
        return [_one(sender) for sender in senders]
    people = [known.get(sender.key) or made.pop(0) for sender in senders]
    for sender, person in zip(senders, people, strict=True):
        if sender.name and not person.name:
            person.name = storable(sender.name, 200)
            person.save(update_fields=["name"])
    return people


def _known(senders: Sequence[Sender]) -> dict[tuple[str, str], Requester]:
    found: dict[tuple[str, str], Requester] = {}
    for kind in sorted({sender.kind for sender in senders}):
        values = [sender.key[1] for sender in senders if sender.kind == kind and sender.key[1]]
        if values:
            rows = Identity.objects.select_related("requester").filter(kind=kind, value__in=values)
            found |= {(kind, row.value): row.requester for row in rows}
    return found


def _make(senders: Sequence[Sender]) -> list[Requester]:
    people = [Requester(name=storable(sender.name, 200), language=sender.language[:35]) for sender in senders]
    Requester.objects.bulk_create(people)
    Identity.objects.bulk_create(
        [
            Identity(requester=person, kind=kind, value=value)
            for person, (kind, value) in zip(people, (sender.key for sender in senders), strict=True)
            if value
        ]
    )
    return people


def _one(sender: Sender) -> Requester:
    known = _known([sender]).get(sender.key)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return _make([sender])[0]
    except IntegrityError:
        return _known([sender])[sender.key]
