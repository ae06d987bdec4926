"""Bounces: mark the mail that did not arrive, the address, and tell the agent on the ticket."""

from django.db.models import Q
from django.utils import timezone

from tickets import changes
from tickets.message import InboundMessage, storable
from tickets.models import Arrival, Entry, Identity, Outgoing, Ticket


def note(message: InboundMessage, arrival: Arrival) -> None:
    """Notes a bounce where it belongs. One that belongs to no mail of ours stays noted in the journal alone."""
    mail = _bounced(message)
    for bounce in message.bounces:
        if bounce.permanent and mail is not None and bounce.recipient.lower() == mail.to.lower():
            Identity.objects.filter(
                kind=Identity.Kind.EMAIL, value=bounce.recipient.lower(), suppressed_at__isnull=True
            ).update(suppressed_at=timezone.now(), suppressed_why=storable(f"bounced: {bounce.reason}", 200))
    if mail is None:
        return
    mail.bounced_at = message.happened_at
    mail.error = storable("; ".join(bounce.reason or bounce.status for bounce in message.bounces), 500)
    mail.save(update_fields=["bounced_at", "error"])
    if mail.ticket is not None:
        _tell(mail, mail.ticket, message, arrival)


def _bounced(message: InboundMessage) -> Outgoing | None:
    """The mail of ours that a bounce speaks of, by its Message-ID or the provider's."""
    ids = list(message.references)
    return Outgoing.objects.filter(Q(message_id__in=ids) | Q(provider_id__in=ids)).first() if ids else None


def _tell(mail: Outgoing, ticket: Ticket, message: InboundMessage, arrival: Arrival) -> None:
    Entry.objects.create(
        ticket=ticket,
        kind=Entry.Kind.BOUNCE,
        sender=storable(message.sender, 320).lower(),
        text=storable(message.text),
        visible=storable(mail.error),
        payload={"outgoing": mail.pk, "recipients": [bounce.recipient for bounce in message.bounces]},
        arrival=arrival,
        happened_at=message.happened_at,
    )
    changes.bump("tickets", f"ticket:{mail.ticket_id}")
