"""From an arrival to a ticket: understood by its channel's reader, then received into a conversation.

The door is here; what happens to a message behind it is `receiving`'s.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from tickets import changes, journal, nudge, receiving
from tickets.mail import bounces
from tickets.message import File, InboundMessage, storable
from tickets.models import MEDIUM_OF, Arrival, ArrivalState, CountsAs, Entry, Identity, Medium
from tickets.receiving import Received, on_received, receive
from tickets.requesters import requester_of

__all__ = [
    "InboundMessage",
    "Received",
    "StillUnreadable",
    "on_received",
    "read_again",
    "receive",
    "register_reader",
    "requester_of",
    "sweep",
    "understand",
    "understand_all",
    "understand_many",
]

log = logging.getLogger(__name__)

OPEN = (ArrivalState.ACCEPTED, ArrivalState.WAITING)
# Faults of database, storage or time: the arrival waits and is tried again.
PASSING = (OperationalError, InterfaceError, OSError)
# Seconds before an arrival that no worker took is nudged again, and the pauses of one that waits.
LEFT_AFTER, FIRST_PAUSE, LONGEST_PAUSE = 5, 5, 600
# Arrivals in one nudge, and looked at in one sweep.
NUDGE, SWEEP = 100, 1000
# Messages that end in one transaction.
BLOCK = 100


class Understanding(Protocol):
    """What a reader may return where an arrival is no message: applied in the transaction that ends it."""

    def apply(self, arrival: Arrival) -> str:
        """Does what the arrival asks for and returns what it counts as (`CountsAs`)."""


Reader = Callable[[Arrival], InboundMessage | Understanding]
_readers: dict[str, Reader] = {}


def register_reader(channel: str, reader: Reader) -> None:
    """Says who reads a channel's arrivals. Called once, from the owner's `apps.py`."""
    _readers[channel] = reader


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


class StillUnreadable(Exception):
    """A message cannot be read now, either; says why in a few words."""


def read_again(entry: Entry) -> None:
    """Reads an entry's message anew from its original and writes the entry anew. StillUnreadable changes nothing."""
    arrival = entry.arrival
    if arrival is None:
        raise StillUnreadable("it has no original")
    try:
        read = _readers[arrival.channel](arrival)
        if not isinstance(read, InboundMessage):
            raise StillUnreadable("it is no message")
        with transaction.atomic():
            receiving.rewrite(entry, read)
            Arrival.objects.filter(pk=arrival.pk).update(state=ArrivalState.UNDERSTOOD, error="")
    except StillUnreadable:
        raise
    except Exception as error:  # whatever the reader raises is the answer
        log.exception("arrival %s could not be read again", arrival.pk)
        raise StillUnreadable(storable(f"{type(error).__name__}: {error}", 200)) from error


def understand_many(ids: Sequence[int]) -> None:
    """The same for many: a block of messages that have nothing to do with each other ends in one transaction.

    What is no plain message, and every message of a block that fails, is understood for itself.
    """
    rest: list[int] = list(Entry.objects.filter(arrival__in=ids).values_list("arrival_id", flat=True))
    plain: list[tuple[InboundMessage, Arrival]] = []
    for arrival in Arrival.objects.filter(pk__in=ids, state__in=OPEN).exclude(pk__in=rest).order_by("pk"):
        try:
            read = _readers[arrival.channel](arrival)
        except Exception:  # told, and told apart, when it is read for itself
            rest.append(arrival.pk)
            continue
        if isinstance(read, InboundMessage) and not read.bounces and read.counts_as != CountsAs.OWN:
            plain.append((read, arrival))
        else:
            rest.append(arrival.pk)
    for block in receiving.blocks(plain, BLOCK):
        try:
            _end_block(block)
        except Exception as error:  # whosever fault it is: alone, each is dealt with as it deserves
            log.warning("%s arrivals are understood one by one: %s", len(block), error)
            rest += [arrival.pk for _, arrival in block]
    for pk in sorted(rest):
        understand(pk)


def understand_all(limit: int | None = None) -> int:
    """Understands what is open in this process, the oldest first. Returns how many were looked at."""
    ids = list(Arrival.objects.filter(state__in=OPEN).order_by("pk").values_list("pk", flat=True)[:limit])
    for start in range(0, len(ids), NUDGE):
        understand_many(ids[start : start + NUDGE])
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


def _end_block(block: Sequence[tuple[InboundMessage, Arrival]]) -> None:
    """Ends messages that have nothing to do with each other, those that nobody else is at."""
    with transaction.atomic():
        ids = [arrival.pk for _, arrival in block]
        held = set(
            Arrival.objects.select_for_update(skip_locked=True)
            .filter(pk__in=ids, state__in=OPEN)
            .values_list("pk", flat=True)
        )
        ours = [item for item in block if item[1].pk in held]
        again = receiving.repeated([message for message, _ in ours])
        new = [item for item, repeated in zip(ours, again, strict=True) if not repeated]
        if new:
            receiving.receive_many(new)
        counted: dict[str, list[int]] = defaultdict(list)
        for (message, arrival), repeated in zip(ours, again, strict=True):
            counts_as = CountsAs.SIMULATED if message.simulated else message.counts_as
            # What the door knew (a simulated call, a further step) is not overruled.
            counted[arrival.counts_as or (CountsAs.STEP if repeated else counts_as)].append(arrival.pk)
        for counts_as, pks in counted.items():
            Arrival.objects.filter(pk__in=pks).update(
                state=ArrivalState.UNDERSTOOD, error="", counts_as=counts_as, counted=False
            )
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


def _take(message: InboundMessage, arrival: Arrival) -> str:
    if message.bounces:
        bounces.note(message, arrival)
        return CountsAs.BOUNCE
    if message.counts_as == CountsAs.OWN:
        return CountsAs.OWN
    before = Entry.objects.filter(arrival=arrival).first()
    if before is not None:
        # Somebody had it understood once more; what was read then stays where nothing can be read now.
        if not message.unreadable:
            receiving.rewrite(before, message)
    elif receiving.repeated([message])[0]:
        return CountsAs.STEP
    else:
        receive(message, arrival)
    return CountsAs.SIMULATED if message.simulated else message.counts_as


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
