"""Finding a ticket: by number, by whom it is from, by words of its subject."""

import re
from typing import Any

from django.db.models import Q, QuerySet

from tickets.models import Arrival, Channel, Identity, Ticket

# Results shown, and how many of the newest tickets are looked through for words.
SHOWN = 50
LOOKED_THROUGH = 50_000
# A reference of the web form (tickets/channels/web_form.py): base 32.
_REFERENCE = re.compile(r"[a-z2-7]{4}-[a-z2-7]{4}")


def find(words: str) -> list[Ticket]:
    """Tickets that match, the newest first; a ticket's number comes first."""
    words = words.replace("\0", "").strip()
    if not words:
        return []
    found = [*_by_number(words), *_by_reference(words)]
    for some in (_by_person(words), _by_subject(words)):
        known = {ticket.pk for ticket in found}
        found += [ticket for ticket in some if ticket.pk not in known]
    return found[:SHOWN]


def _tickets() -> QuerySet[Ticket]:
    return Ticket.objects.filter(merged_into=None).select_related("requester", "assignee", "problem")


def _by_number(words: str) -> QuerySet[Ticket]:
    number = words.removeprefix("#")
    return _tickets().filter(pk=int(number)) if number.isdecimal() and len(number) < 19 else Ticket.objects.none()


def _by_reference(words: str) -> QuerySet[Ticket]:
    """By what the web form told its sender to quote."""
    quoted = words.lower()
    if not _REFERENCE.fullmatch(quoted):
        return Ticket.objects.none()
    # Only words of this very shape come here: no index is kept for them.
    sent = Arrival.objects.filter(channel=Channel.WEB_FORM, payload__reference=quoted)
    return _tickets().filter(entries__arrival__in=list(sent.values_list("pk", flat=True)[:SHOWN])).distinct()


def _by_person(words: str) -> QuerySet[Ticket]:
    return _tickets().filter(requester__in=_people(words)).order_by("-pk")[:SHOWN]


def _people(words: str) -> list[Any]:
    digits = re.sub(r"[^\d+]", "", words)
    condition = Q(kind=Identity.Kind.EMAIL, value__startswith=words.lower())
    if len(digits) >= 5 and not re.search(r"[^\d\s()+./-]", words):
        # As it is written, or without its country's prefix: 020 … is +44 20 …
        condition |= Q(kind=Identity.Kind.PHONE, value__startswith=digits)
        condition |= Q(kind=Identity.Kind.PHONE, value__endswith=digits.lstrip("+0"))
    return list(Identity.objects.filter(condition).order_by("-pk").values_list("requester", flat=True)[:SHOWN])


def _by_subject(words: str) -> QuerySet[Ticket]:
    newest = Ticket.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    recent = _tickets().filter(pk__gt=newest - LOOKED_THROUGH)
    for word in words.split()[:6]:
        recent = recent.filter(Q(subject__icontains=word) | Q(requester__name__icontains=word))
    return recent.order_by("-pk")[:SHOWN]
