"""Everything that leaves by mail is a row first: queued with the ledger, decided by people where nobody else can."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from tickets import audit, changes, nudge, told
from tickets.delivery import SEND, SEND_BULK, run_bulk, send, send_due, suppressed, sweep
from tickets.mail import compose, tokens, words
from tickets.models import (
    Entry,
    Identity,
    Lane,
    MessageReference,
    Outgoing,
    Problem,
    Requester,
    Ticket,
    Told,
    WorkState,
)
from tickets.work import TransportError

__all__ = [
    "Draft",
    "NoAddress",
    "TransportError",
    "count_as_sent",
    "progress",
    "queue",
    "queue_many",
    "queue_reply",
    "run_bulk",
    "send",
    "send_again",
    "send_due",
    "sweep",
]

# Seconds between nudges of the bulk lane from one process: a run works until nothing is due.
NUDGE_EVERY = 1.0
_nudged_at = float("-inf")


class NoAddress(Exception):
    """The requester has no email address that we know of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One mail to one address, before it is a row. `about`: what reading it tells, for the ledger.

    `entry`: what shows it on the ticket; a new one is saved with the row, if the mail is to leave.
    """

    kind: str
    lane: str
    to: str
    requester: Requester | None
    ticket: Ticket | None
    subject: str
    text: str
    html: str = ""
    problem: Problem | None = None
    group: str = ""
    about: Sequence[str] = ()
    entry: Entry | None = None
    headers: dict[str, str] = field(default_factory=dict)


def queue(**draft: Any) -> Outgoing | None:
    """Queues one mail (fields of `Draft`); None when the ledger says told, or the address is suppressed."""
    return queue_many([Draft(**draft)])[0]


def queue_many(drafts: Sequence[Draft]) -> list[Outgoing | None]:
    """Queues a batch in one transaction, the ledger included, in as many queries for many as for one.

    In the order of `drafts`; None where the person has heard it (in this batch, too), or where the address is
    suppressed (a row says so).
    """
    for last_try in (False, False, True):
        try:
            with transaction.atomic():
                return _queue(drafts)
        except IntegrityError:
            # Somebody told one of them at this moment; the next look at the ledger sees it.
            if last_try:
                raise
    raise AssertionError("not reached")


def _queue(drafts: Sequence[Draft], *, whatever: bool = False) -> list[Outgoing | None]:
    """`whatever`: hand back the row even where it is suppressed."""
    blocked = suppressed({draft.to for draft in drafts})
    threads = compose.threads_of({draft.ticket.pk for draft in drafts if draft.ticket})
    heard = told.known(
        (draft.requester.pk for draft in drafts if draft.requester), (key for draft in drafts for key in draft.about)
    )
    rows: list[Outgoing | None] = []
    ledger: list[Told] = []
    for draft in drafts:
        pairs = {(draft.requester.pk, key) for key in draft.about} if draft.requester else set()
        if pairs & heard:
            rows.append(None)
            continue
        row = _row_of(draft, threads, blocked.get(draft.to.lower()))
        rows.append(row)
        if row.state == WorkState.QUEUED:
            heard |= pairs
            ledger += [Told(requester_id=pk, about=key, outgoing=row) for pk, key in sorted(pairs)]
    made = [row for row in rows if row is not None]
    shown = [row.entry for row in made if row.entry is not None and row.state == WorkState.QUEUED]
    Entry.objects.bulk_create([entry for entry in shown if entry.pk is None], batch_size=200)
    for row in made:
        # The row learned of its entry before the entry had a number.
        row.entry = row.entry if row.entry is not None and row.entry.pk else None
    Outgoing.objects.bulk_create(made, batch_size=200)
    for entry in ledger:
        entry.outgoing_id = entry.outgoing.pk  # type: ignore[union-attr]
    Told.objects.bulk_create(ledger, batch_size=200)
    _nudge([row for row in made if row.state == WorkState.QUEUED])
    return [row if row is not None and (whatever or row.state == WorkState.QUEUED) else None for row in rows]


def _row_of(draft: Draft, threads: compose.Threads, why_suppressed: str | None) -> Outgoing:
    return Outgoing(
        kind=draft.kind,
        lane=draft.lane,
        to=draft.to,
        requester=draft.requester,
        ticket=draft.ticket,
        entry=draft.entry,
        problem=draft.problem,
        group=draft.group,
        subject=compose.one_line(draft.subject),
        text=draft.text,
        html=draft.html,
        headers={**compose.headers_for(draft.kind, draft.ticket, threads), **draft.headers},
        message_id=tokens.message_id(draft.ticket),
        due_at=timezone.now(),
        state=WorkState.QUEUED if why_suppressed is None else WorkState.SUPPRESSED,
        error=why_suppressed or "",
        done_at=None if why_suppressed is None else timezone.now(),
    )


def queue_reply(ticket: Ticket, author: User | None, text: str, *, solve: bool = False) -> Outgoing:
    """An agent's answer: the entry on the ticket, the mail as a row, the ticket's new state, in one transaction.

    NoAddress when the requester cannot be reached by mail.
    """
    to = address_of(ticket)
    now = timezone.now()
    name = author.get_full_name() if author is not None else ""
    subject, body = words.render(
        "reply",
        ticket.language,
        subject=_bare(ticket.subject),
        text=text.strip(),
        author=name,
        reference=f"#{ticket.pk}",
    )
    with transaction.atomic():
        entry = Entry.objects.create(
            ticket=ticket, kind=Entry.Kind.REPLY, author=author, text=text, visible=text, happened_at=now
        )
        draft = Draft(
            kind=Outgoing.Kind.REPLY,
            lane=Lane.LIVE,
            to=to,
            requester=ticket.requester,
            ticket=ticket,
            subject=subject,
            text=body,
            html=words.as_html(body),
            entry=entry,
        )
        row = _queue([draft], whatever=True)[0]
        assert row is not None
        MessageReference.objects.create(entry=entry, message_id=row.message_id, own=True)
        _answered(ticket, entry, name, solve=solve)
    return row


def address_of(ticket: Ticket) -> str:
    """Where an answer goes: the address of the newest message, if it is still the requester's, else their first."""
    known = list(
        Identity.objects.filter(requester=ticket.requester_id, kind=Identity.Kind.EMAIL)
        .order_by("pk")
        .values_list("value", flat=True)
    )
    if not known:
        raise NoAddress(f"ticket {ticket.pk}")
    written = ticket.entries.filter(kind=Entry.Kind.MESSAGE).order_by("-happened_at", "-pk")
    newest = written.values_list("sender", flat=True).first() or ""
    return newest.lower() if newest.lower() in known else known[0]


def _answered(ticket: Ticket, entry: Entry, name: str, *, solve: bool) -> None:
    ticket.state = Ticket.State.SOLVED if solve else Ticket.State.PENDING
    ticket.solved_at = entry.happened_at if solve else None
    ticket.waiting_since = None
    ticket.last_text, ticket.last_from = compose.one_line(entry.visible, 240), name[:200]
    ticket.save(update_fields=["state", "solved_at", "waiting_since", "last_text", "last_from", "changed_at"])
    changes.bump("tickets", f"ticket:{ticket.pk}")


def _bare(subject: str) -> str:
    """A subject without the "Re:" that is put before it anew."""
    while subject[:3].lower() in ("re:", "aw:"):
        subject = subject[3:].lstrip()
    return subject


def _nudge(rows: Sequence[Outgoing]) -> None:
    live = [row.pk for row in rows if row.lane == Lane.LIVE]
    if live:
        nudge.send(SEND, live, queue="live")
    if len(rows) > len(live):
        transaction.on_commit(_nudge_bulk, robust=True)
    if rows:
        changes.bump("outbox")


def _nudge_bulk() -> None:
    global _nudged_at
    if time.monotonic() - _nudged_at >= NUDGE_EVERY:
        _nudged_at = time.monotonic()
        nudge.send(SEND_BULK, queue="bulk")


def send_again(pk: int, by: User) -> bool:
    """A person has decided that this one leaves again, under the same Message-ID."""
    with transaction.atomic():
        row = Outgoing.objects.filter(pk=pk, state__in=[WorkState.FAILED, WorkState.UNCERTAIN])
        if not row.update(state=WorkState.QUEUED, due_at=timezone.now(), done_at=None, resent=True):
            return False
        audit.record(by, "outbox.send_again", pk)
        _nudge([Outgoing.objects.get(pk=pk)])
    return True


def count_as_sent(pk: int, by: User) -> bool:
    """A person knows, or has decided, that this one needs no further attempt."""
    with transaction.atomic():
        row = Outgoing.objects.filter(pk=pk, state__in=[WorkState.FAILED, WorkState.UNCERTAIN])
        if not row.update(state=WorkState.SENT, done_at=timezone.now()):
            return False
        audit.record(by, "outbox.count_as_sent", pk)
        changes.bump("outbox")
    return True


def progress(group: str) -> dict[str, int]:
    """How many rows of a group are in which state; every state is there."""
    found = dict(Outgoing.objects.filter(group=group).values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in WorkState.values}
