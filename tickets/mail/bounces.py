"""Bounces: mark the mail that did not arrive, the address, and tell the agent on the ticket."""

from django.db.models import Q
from django.utils import timezone

from tickets import changes
from tickets.mail import senders
from tickets.message import Bounce, InboundMessage, Report, storable
from tickets.models import Arrival, Entry, Identity, Outgoing, Ticket

_VERBS = {Report.FAILED: "bounced", Report.DELAYED: "delayed", Report.COMPLAINT: "complained"}


def note(message: InboundMessage, arrival: Arrival) -> None:
    """Notes a report where it belongs. One that belongs to no mail of ours stays noted in the journal alone."""
    mail = _reported(message)
    if mail is None:
        return
    for bounce in message.bounces:
        if bounce.permanent and _is_about(bounce, mail):
            # Only who has our mail can name its Message-ID: a forged report silences nobody.
            same = Identity.objects.filter(kind=Identity.Kind.EMAIL, value=mail.to.lower(), suppressed_at__isnull=True)
            why = storable(f"{_VERBS[bounce.kind]}: {bounce.reason or bounce.status}", 200)
            same.update(suppressed_at=timezone.now(), suppressed_why=why)
    failed = [bounce for bounce in message.bounces if bounce.kind == Report.FAILED]
    if failed:
        mail.bounced_at = message.happened_at
        mail.error = storable("; ".join(bounce.reason or bounce.status for bounce in failed), 500)
        mail.save(update_fields=["bounced_at", "error"])
    if mail.ticket is not None:
        _tell(mail, mail.ticket, message, arrival)


def _is_about(bounce: Bounce, mail: Outgoing) -> bool:
    """Complaints hide their recipient; a mail of ours has only one."""
    return bounce.recipient.lower() == mail.to.lower() or (bounce.kind == Report.COMPLAINT and not bounce.recipient)


def _reported(message: InboundMessage) -> Outgoing | None:
    """The mail of ours that is reported on, by its Message-ID or the provider's."""
    ids = list(message.references)
    named = Q(message_id__in=ids) | Q(provider_id__in=senders.names_of(ids))
    return Outgoing.objects.filter(named).first() if ids else None


def _tell(mail: Outgoing, ticket: Ticket, message: InboundMessage, arrival: Arrival) -> None:
    Entry.objects.create(
        ticket=ticket,
        kind=Entry.Kind.BOUNCE,
        sender=storable(message.sender, 320).lower(),
        text=storable(message.text),
        visible=storable(
            "; ".join(f"{_VERBS[bounce.kind]}: {bounce.reason or bounce.status}" for bounce in message.bounces)
        ),
        payload={"outgoing": mail.pk, "recipients": [bounce.recipient for bounce in message.bounces]},
        arrival=arrival,
        happened_at=message.happened_at,
    )
    changes.bump("tickets", f"ticket:{mail.ticket_id}")
