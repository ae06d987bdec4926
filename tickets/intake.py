"""From an arrival to a ticket: understood by its channel's reader, then received into a conversation."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from tickets import acknowledge, blobs, changes, forwarding, journal, loop_guard, nudge
from tickets.mail import bounces, threads
from tickets.message import File, InboundMessage, storable
from tickets.models import (
    MEDIUM_OF,
    Arrival,
    ArrivalState,
    Attachment,
    CountsAs,
    Entry,
    Identity,
    Medium,
    MessageReference,
    Requester,
    Ticket,
)
from tickets.requesters import requester_of

__all__ = [
    "InboundMessage",
    "Received",
    "on_received",
    "receive",
    "register_reader",
    "requester_of",
    "sweep",
    "understand",
    "understand_all",
]

log = logging.getLogger(__name__)

OPEN = (ArrivalState.ACCEPTED, ArrivalState.WAITING)
# Faults of database, storage or time: the arrival waits and is tried again.
PASSING = (OperationalError, InterfaceError, OSError)
# Seconds before an arrival that no worker took is nudged again, and the pauses of one that waits.
LEFT_AFTER, FIRST_PAUSE, LONGEST_PAUSE = 5, 5, 600
# Arrivals in one nudge, and looked at in one sweep.
NUDGE, SWEEP = 50, 1000
# When a new ticket should have its first answer.
ANSWER_WITHIN = timedelta(hours=4)
# A message on a ticket solved longer ago opens a new one that links back.
REOPEN_WITHIN = timedelta(days=14)


class Understanding(Protocol):
    """What a reader may return where an arrival is no message: applied in the transaction that ends it."""

    def apply(self, arrival: Arrival) -> str:
        """Does what the arrival asks for and returns what it counts as (`CountsAs`)."""


@dataclass(frozen=True, slots=True)
class Received:
    """The ticket a message joined or opened (`created`), and its entry."""

    ticket: Ticket
    entry: Entry
    created: bool


Reader = Callable[[Arrival], InboundMessage | Understanding]
Hook = Callable[[Received, InboundMessage], None]
_readers: dict[str, Reader] = {}
_hooks: list[Hook] = []


def register_reader(channel: str, reader: Reader) -> None:
    """Says who reads a channel's arrivals. Called once, from the owner's `apps.py`."""
    _readers[channel] = reader


def on_received(hook: Hook) -> None:
    """Calls `hook` in the transaction that receives a message. Called once, from the owner's `apps.py`."""
    if hook not in _hooks:
        _hooks.append(hook)


# ── understanding ────────────────────────────────────────────────────────────────────────────────────────────────────


def understand(pk: int) -> None:
    """Ends one arrival: understood, unreadable (a ticket with the original), or waiting to be tried again."""
    arrival = Arrival.objects.filter(pk=pk, state__in=OPEN).first()
    if arrival is None:
        return
    try:
        try:
            _end(arrival.pk, _readers[arrival.channel](arrival), ArrivalState.UNDERSTOOD)
        except PASSING:
            raise
        except Exception as error:  # the reader's own fault, whatever it is, must not lose the message or stop the next
            log.exception("arrival %s could not be read", pk)
            _end(arrival.pk, _unreadable(arrival, error), ArrivalState.UNREADABLE, str(error))
    except PASSING as error:
        _wait(pk, error)
    except Exception as error:  # not even a ticket in its place could be made: it waits, and the next one does not
        log.exception("arrival %s waits", pk)
        _wait(pk, error)


def understand_all(limit: int | None = None) -> int:
    """Understands what is open in this process, the oldest first. Returns how many were looked at."""
    ids = list(Arrival.objects.filter(state__in=OPEN).order_by("pk").values_list("pk", flat=True)[:limit])
    for pk in ids:
        understand(pk)
    return len(ids)


def sweep() -> int:
    """Nudges for arrivals that no worker took, and for those whose next try is due. Returns how many."""
    now = timezone.now()
    left = Q(state=ArrivalState.ACCEPTED, accepted_at__lt=now - timedelta(seconds=LEFT_AFTER))
    due = Q(state=ArrivalState.WAITING, next_try_at__lte=now)
    ids = list(Arrival.objects.filter(left | due).order_by("pk").values_list("pk", flat=True)[:SWEEP])
    for start in range(0, len(ids), NUDGE):
        nudge.send(journal.UNDERSTAND, ids[start : start + NUDGE], queue="intake")
    return len(ids)


def _end(pk: int, read: InboundMessage | Understanding, state: ArrivalState, error: str = "") -> None:
    with transaction.atomic():
        arrival = Arrival.objects.select_for_update(skip_locked=True).filter(pk=pk, state__in=OPEN).first()
        if arrival is None:
            return
        counts_as = _take(read, arrival) if isinstance(read, InboundMessage) else read.apply(arrival)
        arrival.state, arrival.error = state, storable(error, 2000)
        # What the door knew (a simulated call, a further step) is not overruled.
        arrival.counts_as, arrival.counted = arrival.counts_as or counts_as, False
        arrival.save(update_fields=["state", "error", "counts_as", "counted"])
    changes.bump("counts")


def _wait(pk: int, error: Exception) -> None:
    """Faults of database, storage or time: tried again after a growing pause. If even this fails, the sweep comes."""
    log.warning("arrival %s waits: %s", pk, error)
    try:
        arrival = Arrival.objects.get(pk=pk)
        pause = timedelta(seconds=min(FIRST_PAUSE * 2 ** min(arrival.attempts, 10), LONGEST_PAUSE))
        Arrival.objects.filter(pk=pk, state__in=OPEN).update(
            state=ArrivalState.WAITING,
            attempts=arrival.attempts + 1,
            next_try_at=timezone.now() + pause,
            error=storable(str(error), 2000),
        )
    except PASSING:
        log.warning("arrival %s stays as it is until the database is back", pk)


def _unreadable(arrival: Arrival, error: Exception) -> InboundMessage:
    """A ticket in the message's place: nobody is lost because we could not read them."""
    original = journal.body_of(arrival) or repr(arrival.payload).encode()
    medium = MEDIUM_OF[arrival.channel]
    name = "original.eml" if medium == Medium.EMAIL else "original.txt"
    return InboundMessage(
        medium=medium,
        happened_at=arrival.happened_at,
        sender_kind=Identity.Kind.EMAIL if "@" in arrival.sender else Identity.Kind.PHONE,
        sender=arrival.sender,
        subject="A message that could not be read",
        text="This message could not be read. The original is attached as it came.",
        attachments=(File(name, "application/octet-stream", original),),
        unreadable=True,
        payload={"fault": storable(f"{type(error).__name__}: {error}", 500)},
    )


# ── receiving ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _take(message: InboundMessage, arrival: Arrival) -> str:
    if message.bounces:
        bounces.note(message, arrival)
        return CountsAs.BOUNCE
    if message.counts_as == CountsAs.OWN or _is_repeated(message):
        return CountsAs.OWN if message.counts_as == CountsAs.OWN else CountsAs.STEP
    receive(message, arrival)
    return CountsAs.SIMULATED if message.simulated else message.counts_as


def receive(message: InboundMessage, arrival: Arrival | None) -> Received:
    """Joins the message to the ticket it answers, or opens one. Runs in the caller's transaction."""
    message, colleague = forwarding.unwrapped(message)
    requester = requester_of(message.sender_kind, message.sender, name=message.name, language=message.language)
    thread = threads.find(message, requester)
    if thread is not None and _is_long_over(thread.ticket):
        message = replace(message, payload={**message.payload, "follows": thread.ticket.pk})
        thread = None
    if thread is not None and thread.stranger:
        message = replace(message, payload={**message.payload, "stranger": True})
    ticket = thread.ticket if thread else _open(message, requester)
    received = Received(ticket, _write(ticket, message, arrival), created=thread is None)
    if colleague is not None:
        forwarding.note(received.entry, colleague, message)
    if thread is not None:
        _join(received, message)
    for hook in _hooks:
        hook(received, message)
    if received.created:
        acknowledge.consider(ticket, received.entry, message)
    changes.bump("tickets", f"ticket:{ticket.pk}")
    return received


def _open(message: InboundMessage, requester: Requester) -> Ticket:
    return Ticket.objects.create(
        subject=storable(message.subject, 300) or storable(message.visible or message.text, 80),
        requester=requester,
        medium=message.medium,
        language=message.language[:35] or requester.language,
        unreadable=message.unreadable,
        simulated=message.simulated,
        created_at=message.happened_at,
        waiting_since=message.happened_at,
        due_at=message.happened_at + ANSWER_WITHIN,
        **_newest(message),
    )


def _newest(message: InboundMessage) -> dict[str, str]:
    line = " ".join(storable(message.visible or message.text).split())
    return {"last_text": line[:240], "last_from": storable(message.name or message.sender, 200)}


def _join(received: Received, message: InboundMessage) -> None:
    """The customer waits for us again, unless it was a machine that wrote, or one that writes each time we solve it."""
    ticket = received.ticket
    if message.automatic:
        return
    if ticket.state == Ticket.State.SOLVED:
        if not loop_guard.may_reopen(ticket, timezone.now()):
            loop_guard.note(ticket, f"Not opened again: it was {loop_guard.REOPENINGS} times within a day")
            return
        received.entry.payload["reopened"] = True
        received.entry.save(update_fields=["payload"])
    for name, value in _newest(message).items():
        setattr(ticket, name, value)
    if ticket.waiting_since is None:
        ticket.waiting_since = message.happened_at
        ticket.due_at = message.happened_at + ANSWER_WITHIN
    ticket.state, ticket.solved_at = Ticket.State.OPEN, None
    ticket.save(update_fields=["last_text", "last_from", "waiting_since", "due_at", "state", "solved_at", "changed_at"])


def _is_long_over(ticket: Ticket) -> bool:
    if ticket.state == Ticket.State.CLOSED:
        return True
    return ticket.solved_at is not None and ticket.solved_at < timezone.now() - REOPEN_WITHIN


def _write(ticket: Ticket, message: InboundMessage, arrival: Arrival | None) -> Entry:
    text = storable(message.text)
    entry = Entry.objects.create(
        ticket=ticket,
        kind=Entry.Kind.AUTOMATIC if message.automatic else message.entry_kind,
        sender=storable(message.sender, 320).lower(),
        sender_name=storable(message.name, 200),
        text=text,
        visible=storable(message.visible) or text,
        html=storable(message.html),
        payload={**message.payload, "body": body_hash(message)},
        arrival=arrival,
        happened_at=message.happened_at,
    )
    ids = [(message.message_id, True)] if message.message_id else []
    ids += [(reference, False) for reference in dict.fromkeys(message.references)]
    MessageReference.objects.bulk_create(
        [MessageReference(entry=entry, message_id=storable(value, 255), own=own) for value, own in ids]
    )
    Attachment.objects.bulk_create([_attachment(entry, file) for file in message.attachments])
    return entry


def _attachment(entry: Entry, file: File) -> Attachment:
    return Attachment(
        entry=entry,
        name=storable(file.name, 255) or "file",
        content_type=storable(file.content_type, 120) or "application/octet-stream",
        size=file.size or len(file.content),
        blob=file.blob or blobs.put(file.content),
        content_id=storable(file.content_id, 255),
    )


def body_hash(message: InboundMessage) -> str:
    """Tells two messages under one Message-ID apart: white space does not count, transports change it."""
    return hashlib.sha256(" ".join(storable(message.text).split()).encode()).hexdigest()


def _is_repeated(message: InboundMessage) -> bool:
    """The same Message-ID is the same message only if sender and body agree (providers and mailboxes overlap)."""
    if not message.message_id or message.unreadable:
        return False
    same_id = MessageReference.objects.filter(message_id=storable(message.message_id, 255), own=True)
    return same_id.filter(
        entry__sender=storable(message.sender, 320).lower(), entry__payload__body=body_hash(message)
    ).exists()
