"""The ledger of who has heard what: one row per person and thing, whatever the route."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from tickets.models import Outgoing, Requester, Told


def tell_once(requester: Requester, about: str, outgoing: Outgoing | None = None) -> bool:
    """Notes that this person hears this now; False when they have heard it already."""
    try:
        with transaction.atomic():
            Told.objects.create(requester=requester, about=about, outgoing=outgoing)
    except IntegrityError:
        return False
    return True


def known(requesters: Iterable[int], about: Iterable[str]) -> set[tuple[int, str]]:
    """The pairs (requester, about) among these that the ledger has."""
    rows = Told.objects.filter(requester_id__in=set(requesters), about__in=set(about))
    return set(rows.values_list("requester_id", "about"))
