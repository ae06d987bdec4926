"""Which ticket a message belongs to: signed tokens first, then references both ways, a number only for participants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tickets.mail import senders, tokens
from tickets.message import InboundMessage
from tickets.models import Entry, Identity, MessageReference, Outgoing, Requester, Ticket

# Messages of a ticket that are asked whom they copied in, the newest first.
LOOKED_AT = 50
_NUMBER = re.compile(r"#(\d{1,12})\b")


@dataclass(frozen=True, slots=True)
class Thread:
    """The ticket found, by what, and whether the sender takes part in it."""

    ticket: Ticket
    by: str
    stranger: bool


def find(message: InboundMessage, requester: Requester) -> Thread | None:
    """The ticket that a message answers; None opens a new one."""
    if message.unreadable and message.reply_to is None:
        return None
    for by, pk in (
        ("token", message.reply_to or _by_our_ids(message.references)),
        ("references", _by_references(message.references)),
        ("mark", tokens.ticket_of_mark(message.text)),
        ("out of order", _by_earlier_answers(message, requester)),
        ("number", _by_number(message.subject, requester)),
    ):
        ticket = Ticket.objects.filter(pk=pk).first() if pk else None
        if ticket is not None:
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


def _by_references(references: Sequence[str]) -> int | None:
    """Any message of a ticket, theirs or ours, also under the id that a provider gave it."""
    if not references:
        return None
    own = MessageReference.objects.filter(message_id__in=references, own=True).order_by("-pk")
    if found := own.values_list("entry__ticket", flat=True).first():
        return found
    sent = Outgoing.objects.filter(provider_id__in=senders.names_of(references), ticket__isnull=False)
    # Some providers give one id to all mails of a call: it names a ticket only where it names one.
    tickets = set(sent.order_by().values_list("ticket", flat=True).distinct()[:2])
    return tickets.pop() if len(tickets) == 1 else None


def _by_earlier_answers(message: InboundMessage, requester: Requester) -> int | None:
    """A message of the same person that refers to this one, or to the same one, and was understood before it."""
    ids = [*message.references, *([message.message_id] if message.message_id else [])]
    if not ids:
        return None
    rows = MessageReference.objects.filter(message_id__in=ids, own=False, entry__ticket__requester=requester)
    return rows.order_by("-pk").values_list("entry__ticket", flat=True).first()


def _by_number(subject: str, requester: Requester) -> int | None:
    found = _NUMBER.search(subject)
    ticket = Ticket.objects.filter(pk=int(found[1])).first() if found else None
    return ticket.pk if ticket is not None and takes_part(requester, ticket) else None
