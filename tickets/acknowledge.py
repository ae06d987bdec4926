"""Acknowledges new tickets by mail: once per person and incident, else at most once an hour, never to machines."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from tickets import loop_guard, notices, outbox, told
from tickets.mail import tokens, words
from tickets.message import InboundMessage
from tickets.models import Entry, Lane, MessageReference, Notice, Outgoing, Ticket

# Between two acknowledgements to one person while no notice is in force.
PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an acknowledgement says and tells: with the notice or without, and its keys in the ledger."""

    with_notice: bool
    about: tuple[str, ...]
    hourly: bool = False


def consider(ticket: Ticket, entry: Entry, message: InboundMessage) -> Outgoing | None:
    """Queues the acknowledgement of a ticket that `entry` has opened, in the caller's transaction; None without one."""
    if not wants_one(message.sender_kind, message.sender, automatic=message.automatic, simulated=message.simulated):
        return None
    if entry.kind != Entry.Kind.MESSAGE or ticket.entries.filter(pk__lt=entry.pk).exists():
        return None
    notice = notices.in_force(Notice.Target.ACKNOWLEDGEMENT, ticket.language)
    heard = {about for _, about in told.known([ticket.requester_id], _keys(notice))}
    plan = plan_for(notice, heard, timezone.now())
    if plan is None:
        return None
    why_held = loop_guard.verdict(loop_guard.facts_about(message, lately=plan.hourly and _lately(ticket)))
    if why_held:
        loop_guard.note(ticket, f"No acknowledgement was sent: {why_held}")
        return None
    subject, text = words.render(
        "ack",
        ticket.language,
        reference=f"#{ticket.pk}",
        notice=notice.text if notice and plan.with_notice else "",
        mark=tokens.mark(ticket),
    )
    row = outbox.queue(
        kind=Outgoing.Kind.ACKNOWLEDGEMENT,
        lane=Lane.BULK,
        to=message.sender.lower(),
        requester=ticket.requester,
        ticket=ticket,
        problem=ticket.problem,
        subject=subject,
        text=text,
        about=plan.about,
    )
    if row is not None:
        loop_guard.note_sent(message)
        _show(row, ticket)
    return row


def _show(row: Outgoing, ticket: Ticket) -> None:
    """Lets agents see on the ticket what its requester was told, and how far the mail got."""
    row.entry = Entry.objects.create(
        ticket=ticket, kind=Entry.Kind.AUTOMATIC, text=row.text, visible=row.text, happened_at=timezone.now()
    )
    row.save(update_fields=["entry"])
    MessageReference.objects.create(entry=row.entry, message_id=row.message_id, own=True)


def wants_one(sender_kind: str, sender: str, *, automatic: bool, simulated: bool) -> bool:
    """Pure but for our own addresses: machines, callers and ourselves get none."""
    address = sender.lower()
    local, _, domain = address.rpartition("@")
    own_local, _, own_domain = settings.SUPPORT_ADDRESS.lower().rpartition("@")
    own = domain == own_domain and local.partition("+")[0] == own_local
    robot = local.startswith(("mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply"))
    return sender_kind == "email" and bool(local) and not (automatic or simulated or own or robot)


def plan_for(notice: notices.Shown | None, heard: set[str], now: datetime) -> Plan | None:
    """Pure: with a notice in force one per person and incident, which does not repeat what they have heard."""
    if notice is None or notice.problem is None:
        # The key decides between two at the same moment; the hour before is looked up.
        return Plan(with_notice=notice is not None, about=(f"ack:hour:{now:%Y%m%d%H}",), hourly=True)
    once = f"ack:problem:{notice.problem}"
    if once in heard:
        return None
    fresh = not notice.about or notice.about not in heard
    return Plan(with_notice=fresh, about=(once, notice.about) if fresh and notice.about else (once,))


def _keys(notice: notices.Shown | None) -> list[str]:
    if notice is None or notice.problem is None:
        return []
    return [f"ack:problem:{notice.problem}", *([notice.about] if notice.about else [])]


def _lately(ticket: Ticket) -> bool:
    """Whether this person had an acknowledgement within the last hour."""
    before = timezone.now() - PAUSE
    kind = Outgoing.Kind.ACKNOWLEDGEMENT
    return Outgoing.objects.filter(requester=ticket.requester_id, kind=kind, created_at__gt=before).exists()
