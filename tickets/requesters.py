"""Who is asking: finds or makes the requester behind an address or a number."""

from django.db import IntegrityError, transaction

from tickets.message import storable
from tickets.models import Identity, Requester


def requester_of(kind: str, value: str, *, name: str = "", language: str = "") -> Requester:
    """The requester with this identity, made if new. An unknown sender (empty value) is somebody new each time."""
    value = storable(value.strip().lower(), 320)
    if not value:
        return Requester.objects.create(name=storable(name, 200), language=language[:35])
    found = _known(kind, value)
    if found is None:
        found = _make(kind, value, name, language)
    if name and not found.name:
        found.name = storable(name, 200)
        found.save(update_fields=["name"])
    return found


def _known(kind: str, value: str) -> Requester | None:
    identity = Identity.objects.select_related("requester").filter(kind=kind, value=value).first()
    return identity.requester if identity else None


def _make(kind: str, value: str, name: str, language: str) -> Requester:
    try:
        with transaction.atomic():
            requester = Requester.objects.create(name=storable(name, 200), language=language[:35])
            Identity.objects.create(requester=requester, kind=kind, value=value)
            return requester
    except IntegrityError:
        # Somebody made the same at this moment.
        return Identity.objects.select_related("requester").get(kind=kind, value=value).requester
