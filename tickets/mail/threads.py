"""Which ticket a message belongs to: signed tokens first, then references both ways, a number only for participants."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tickets.mail import senders, tokens
from tickets.message import InboundMessage
from tickets.models import Entry, Identity, MessageReference, Outgoing, Requester, Ticket

# Messages of a ticket that are asked whom they copied in, the newest first.
LOOKED_AT = 50
Ways = Sequence[tuple[str, int | None]]
_NUMBER = re.compile(r"#(\d{1,12})\b")


@dataclass(frozen=True, slots=True)
class Thread:
    """The ticket found, by what, and whether the sender takes part in it."""

    ticket: Ticket
    by: str
    stranger: bool


def find(message: InboundMessage, requester: Requester) -> Thread | None:
    """The ticket that a message answers; None opens a new one."""
    return find_many([(message, requester)])[0]


def find_many(items: Sequence[tuple[InboundMessage, Requester]]) -> list[Thread | None]:
    """The same for each of many, in as many queries as for one where they open new tickets."""
    references = _by_references([message for message, _ in items])
    earlier = _by_earlier_answers(items)
    ways = [
        (
            ("token", message.reply_to or _by_our_ids(message.references)),
            ("references", references[place]),
            ("mark", tokens.ticket_of_mark(message.text)),
            ("out of order", earlier[place]),
            ("number", _number_in(message.subject)),
        )
        for place, (message, _) in enumerate(items)
    ]
    wanted = {pk for one in ways for _, pk in one if pk}
    rows = Ticket.objects.select_related("requester", "merged_into").filter(pk__in=wanted)
    tickets = {ticket.pk: ticket for ticket in rows} if wanted else {}
    return [_first(message, person, one, tickets) for (message, person), one in zip(items, ways, strict=True)]


def _first(message: InboundMessage, requester: Requester, ways: Ways, tickets: Mapping[int, Ticket]) -> Thread | None:
    if message.unreadable and message.reply_to is None:
        return None
    for by, pk in ways:
        ticket = tickets.get(pk) if pk else None
        if ticket is None or (by == "number" and not takes_part(requester, ticket)):
            continue
        ticket = ticket.merged_into or ticket
        return Thread(ticket, by, stranger=not takes_part(requester, ticket))
    return None


def takes_part(requester: Requester, ticket: Ticket) -> bool:
    """Whether this person asked on the ticket, wrote on it, or was copied in by somebody who takes part."""
    if ticket.requester_id == requester.pk:
        return True
    addresses = set(Identity.objects.filter(requester=requester).values_list("value", flat=True))
    theirs = Entry.objects.filter(ticket=ticket, kind=Entry.Kind.MESSAGE).exclude(payload__has_key="stranger")
    if theirs.filter(sender__in=addresses).exists():
        return True
    copied = theirs.order_by("-pk").values_list("payload", flat=True)[:LOOKED_AT]
    return any(addresses & {*payload.get("to", ()), *payload.get("cc", ())} for payload in copied)


def _by_our_ids(references: Sequence[str]) -> int | None:
    """The newest of our own signed Message-IDs among the references."""
    for reference in reversed(references):
        if pk := tokens.ticket_of_message_id(reference):
            return pk
    return None


def _by_references(messages: Sequence[InboundMessage]) -> list[int | None]:
    """Any message of a ticket, theirs or ours, also under the id that a provider gave it; the newest, for each."""
    named = {reference for message in messages for reference in message.references}
    if not named:
        return [None] * len(messages)
    rows = MessageReference.objects.filter(message_id__in=named, own=True)
    newest: dict[str, tuple[int, int]] = {}
    for value, pk, ticket in rows.order_by("pk").values_list("message_id", "pk", "entry__ticket"):
        newest[value] = pk, ticket
    sent: dict[str, set[int]] = defaultdict(set)
    given = Outgoing.objects.filter(provider_id__in=senders.names_of(sorted(named)), ticket__isnull=False)
    for name, ticket in given.order_by().values_list("provider_id", "ticket").distinct():
        sent[name].add(ticket)
    return [_referred(message.references, newest, sent) for message in messages]


def _referred(
    references: Sequence[str], newest: Mapping[str, tuple[int, int]], sent: Mapping[str, set[int]]
) -> int | None:
    known = [newest[reference] for reference in references if reference in newest]
    if known:
        return max(known)[1]
    # Some providers give one id to all mails of a call: it names a ticket only where it names one.
    tickets = set().union(*(sent.get(name, set()) for name in senders.names_of(references)))
    return tickets.pop() if len(tickets) == 1 else None


def _by_earlier_answers(items: Sequence[tuple[InboundMessage, Requester]]) -> list[int | None]:
    """A message of the same person that refers to this one, or to the same one, and was understood before it."""
    ids = [{*message.references, *({message.message_id} - {""})} for message, _ in items]
    people = {person.pk for (_, person), theirs in zip(items, ids, strict=True) if theirs}
    if not people:
        return [None] * len(items)
    rows = MessageReference.objects.filter(
        message_id__in=set().union(*ids), own=False, entry__ticket__requester__in=people
    )
    newest: dict[tuple[str, int], tuple[int, int]] = {}
    fields = ("message_id", "entry__ticket__requester", "pk", "entry__ticket")
    for value, person, pk, ticket in rows.order_by("pk").values_list(*fields):
        newest[value, person] = pk, ticket
    found = [
        [newest[value, person.pk] for value in theirs if (value, person.pk) in newest]
        for (_, person), theirs in zip(items, ids, strict=True)
    ]
    return [max(one)[1] if one else None for one in found]


def _number_in(subject: str) -> int | None:
    """The number that counts only for who takes part."""
    found = _NUMBER.search(subject)
    return int(found[1]) if found else None
