"""Sends what the outbox holds: claims row by row, one connection for many, and sweeps what was left behind."""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from tickets import changes, nudge, rates, work
from tickets.mail import compose
from tickets.mail.transport import Courier
from tickets.models import Identity, Lane, Outgoing, WorkState
from tickets.work import TransportError

log = logging.getLogger(__name__)

SEND, SEND_BULK = "tickets.tasks.send", "tickets.tasks.send_bulk"
RATE = "mail"
# After so many attempts (about three days of growing pauses) a transient fault is taken for a permanent one.
MOST_ATTEMPTS = 30
# One run of the bulk lane: rows and seconds.
RUN_ROWS, RUN_SECONDS = 50, 5.0
# Slots of the global rate taken at once, and seconds that a run waits for them.
SLOTS, PATIENCE = 10, 2.0
# Seconds that nobody tries after the mail server could not be used.
HOLD = 15.0


def suppressed(addresses: set[str]) -> dict[str, str]:
    """Those among the addresses that get no mail from us, with the reason."""
    found = Identity.objects.filter(
        kind=Identity.Kind.EMAIL, value__in={address.lower() for address in addresses}, suppressed_at__isnull=False
    )
    return {value: why or "suppressed" for value, why in found.values_list("value", "suppressed_why")}


def send(pk: int) -> str:
    """Sends one live row now, if it is due and free. Returns the state it is in afterwards."""
    with Courier() as courier:
        try:
            courier.open()
        except TransportError as error:
            pause = timezone.now() + timedelta(seconds=HOLD)
            Outgoing.objects.filter(pk=pk, state=WorkState.QUEUED).update(error=str(error), due_at=pause)
        else:
            row = work.claim(Outgoing.objects.all(), pk)
            if row is not None:
                rates.spend(RATE, settings.MAIL_RATE)
                return _send_claimed(row, courier)
    return Outgoing.objects.values_list("state", flat=True).get(pk=pk)


def send_due(lane: str, limit: int = RUN_ROWS, seconds: float = RUN_SECONDS) -> int:
    """Sends due rows of a lane over one connection, at most so many and for so long. Returns how many it dealt with."""
    dealt, slots, end = 0, 0, time.monotonic() + seconds
    ids = _due(lane, limit)
    if not ids:
        return 0
    with Courier() as courier:
        for pk in ids:
            if not slots:
                slots = _take_slots(len(ids) - dealt)
            if not slots or time.monotonic() > end:
                break
            try:
                courier.open()
            except TransportError as error:
                log.warning("outgoing mail waits: %s", error)
                rates.hold(RATE, HOLD)
                break
            row = work.claim(Outgoing.objects.all(), pk)
            if row is None:
                continue
            slots, dealt = slots - 1, dealt + 1
            if _send_claimed(row, courier) == WorkState.QUEUED and courier.unwell:
                rates.hold(RATE, HOLD)
                break
    if dealt:
        changes.bump("outbox")
    return dealt


def _due(lane: str, limit: int) -> list[int]:
    """Acknowledgements before the rest: who has just written does not wait behind ten thousand bulk mails."""
    rows = Outgoing.objects.filter(lane=lane)
    first = work.due_ids(rows.filter(kind=Outgoing.Kind.ACKNOWLEDGEMENT), limit)
    return first + work.due_ids(rows.exclude(kind=Outgoing.Kind.ACKNOWLEDGEMENT), limit - len(first))


def _take_slots(wanted: int) -> int:
    count = max(1, min(SLOTS, wanted, int(settings.MAIL_RATE)))
    wait = rates.take(RATE, settings.MAIL_RATE, count=count, patience=PATIENCE)
    if wait is None:
        return 0
    time.sleep(wait)
    return count


def _send_claimed(row: Outgoing, courier: Courier) -> str:
    """Delivers a claimed row and notes what came of it. Nothing here runs in a transaction."""
    why = suppressed({row.to}).get(row.to.lower())
    if why is not None:
        work.finish(row, WorkState.SUPPRESSED, why)
        return WorkState.SUPPRESSED
    try:
        provider_id = courier.deliver(compose.message_for(row))
    except TransportError as error:
        return _failed(row, error)
    except (ValueError, TypeError, LookupError) as error:
        return _failed(row, TransportError(f"{type(error).__name__}: {error}", permanent=True))
    work.finish(row, WorkState.SENT, provider_id=provider_id)
    return WorkState.SENT


def _failed(row: Outgoing, error: TransportError) -> str:
    if error.uncertain:
        work.finish(row, WorkState.UNCERTAIN, str(error))
        return WorkState.UNCERTAIN
    if error.permanent or row.attempts >= MOST_ATTEMPTS:
        log.warning("outgoing %s failed: %s", row.pk, error)
        work.finish(row, WorkState.FAILED, str(error))
        return WorkState.FAILED
    work.put_back(row, work.pause_after(row.attempts), str(error))
    return WorkState.QUEUED


def run_bulk() -> int:
    """One bounded run of the bulk lane; asks for the next one while it gets on and rows are due."""
    dealt = send_due(Lane.BULK)
    if dealt and _due(Lane.BULK, 1):
        nudge.send(SEND_BULK, queue="bulk")
    return dealt


def sweep() -> dict[str, int]:
    """Finds what was left: stale claims, uncertain replies to be resent once, due rows whose nudge was lost."""
    uncertain = work.sweep(Outgoing.objects.all())
    resent = Outgoing.objects.filter(state=WorkState.UNCERTAIN, kind=Outgoing.Kind.REPLY, resent=False).update(
        state=WorkState.QUEUED, resent=True, due_at=timezone.now()
    )
    live = _due(Lane.LIVE, 100)
    if live:
        nudge.send(SEND, live, queue="live")
    bulk = len(_due(Lane.BULK, 1))
    if bulk:
        nudge.send(SEND_BULK, queue="bulk")
    if uncertain or resent:
        changes.bump("outbox")
    return {"uncertain": len(uncertain), "resent": resent, "nudged": len(live) + bulk}
