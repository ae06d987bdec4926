"""Acknowledges new tickets by mail: once per person and incident, else at most once an hour, never to machines."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min
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


Opened = tuple[Ticket, Entry, InboundMessage]


def consider(ticket: Ticket, entry: Entry, message: InboundMessage) -> Outgoing | None:
    """Queues the acknowledgement of a ticket that `entry` has opened, in the caller's transaction; None without one."""
    return consider_many([(ticket, entry, message)])[0]


def consider_many(opened: Sequence[Opened]) -> list[Outgoing | None]:
    """The same for many tickets of different people, in as many queries as for one."""
    wanted = _first_messages(
        [
            (ticket, entry, message)
            for ticket, entry, message in opened
            if entry.kind == Entry.Kind.MESSAGE
            and wants_one(message.sender_kind, message.sender, automatic=message.automatic, simulated=message.simulated)
        ]
    )
    drafts = {ticket.pk: draft for ticket, _, draft in _drafts(wanted)} if wanted else {}
    rows = dict(zip(drafts, outbox.queue_many(list(drafts.values())), strict=True)) if drafts else {}
    sent = [(ticket, message, row) for ticket, _, message in wanted if (row := rows.get(ticket.pk)) is not None]
    MessageReference.objects.bulk_create(
        [MessageReference(entry=row.entry, message_id=row.message_id, own=True) for _, _, row in sent]
    )
    return [rows.get(ticket.pk) for ticket, _, _ in opened]


def _first_messages(opened: Sequence[Opened]) -> list[Opened]:
    """Those whose entry is the first of its ticket."""
    tickets = [ticket.pk for ticket, _, _ in opened]
    firsts = Entry.objects.filter(ticket__in=tickets).order_by().values("ticket").annotate(first=Min("pk"))
    first = dict(firsts.values_list("ticket", "first")) if tickets else {}
    return [one for one in opened if first.get(one[0].pk) == one[1].pk]


def _drafts(wanted: Sequence[Opened]) -> Iterator[tuple[Ticket, InboundMessage, outbox.Draft]]:
    """What goes out to those whom no cap holds back; counted against the caps."""
    now = timezone.now()
    shown = notices.rows_in_force(now)
    by_language = {
        language: notices.choose(shown, Notice.Target.ACKNOWLEDGEMENT, language, now)
        for language in {ticket.language for ticket, _, _ in wanted}
    }
    people = [ticket.requester_id for ticket, _, _ in wanted]
    heard = told.known(people, {key for notice in by_language.values() for key in _keys(notice)})
    lately = _lately(people)
    hour = loop_guard.Hour([message for _, _, message in wanted])
    for ticket, _, message in wanted:
        notice = by_language[ticket.language]
        plan = plan_for(notice, {about for person, about in heard if person == ticket.requester_id}, now)
        if plan is None:
            continue
        had_one = plan.hourly and ticket.requester_id in lately
        why_held = loop_guard.verdict(hour.facts_about(message, lately=had_one))
        if why_held:
            loop_guard.note(ticket, f"No acknowledgement was sent: {why_held}")
            continue
        hour.add(message)
        yield ticket, message, _draft(ticket, message, notice if plan.with_notice else None, plan.about)
    hour.save()


def _draft(ticket: Ticket, message: InboundMessage, notice: notices.Shown | None, about: Sequence[str]) -> outbox.Draft:
    subject, text = words.render(
        "ack",
        ticket.language,
        reference=f"#{ticket.pk}",
        # The public form answers before there is a ticket, and so gave a reference of its own.
        form_reference=message.payload.get("reference", "").upper(),
        notice=notice.text if notice else "",
        mark=tokens.mark(ticket),
    )
    # It shows agents on the ticket what its requester was told, and how far the mail got.
    shown = Entry(ticket=ticket, kind=Entry.Kind.AUTOMATIC, text=text, visible=text, happened_at=timezone.now())
    return outbox.Draft(
        kind=Outgoing.Kind.ACKNOWLEDGEMENT,
        lane=Lane.BULK,
        to=message.sender.lower(),
        requester=ticket.requester,
        ticket=ticket,
        problem=ticket.problem,
        subject=subject,
        text=text,
        about=about,
        entry=shown,
    )


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


def _lately(people: Collection[int]) -> set[int]:
    """Those among these people who had an acknowledgement within the last hour."""
    before, kind = timezone.now() - PAUSE, Outgoing.Kind.ACKNOWLEDGEMENT
    had = Outgoing.objects.filter(requester__in=people, kind=kind, created_at__gt=before).order_by()
    return set(had.values_list("requester_id", flat=True).distinct())
