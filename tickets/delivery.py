"""Sends what the outbox holds: claims row by row, one connection for many, and sweeps what was left behind."""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: a state to finish with, or a pause after which to try again."""

    row: Outgoing
    state: str
    error: str = ""
    provider_id: str = ""
    pause: timedelta | None = None


def send(pk: int) -> str:
    """Sends one live row now, if it is due and free. Returns the state it is in afterwards."""
    with Courier() as courier:
        try:
            courier.open()
        except TransportError as error:
            pause = timezone.now() + timedelta(seconds=HOLD)
            Outgoing.objects.filter(pk=pk, state=WorkState.QUEUED).update(error=str(error), due_at=pause)
        else:
            rates.spend(RATE, settings.MAIL_RATE)
            _send_block([pk], courier)
    return Outgoing.objects.values_list("state", flat=True).get(pk=pk)


def send_due(lane: str, limit: int = RUN_ROWS, seconds: float = RUN_SECONDS) -> int:
    """Sends due rows of a lane over one connection, at most so many and for so long. Returns how many it dealt with."""
    ids, dealt, end = _due(lane, limit), 0, time.monotonic() + seconds
    with Courier() as courier:
        while ids and time.monotonic() < end:
            slots = _take_slots(len(ids))
            if not slots:
                break
            block, ids = ids[:slots], ids[slots:]
            try:
                courier.open()
                dealt += _send_block(block, courier)
            except TransportError as error:
                log.warning("outgoing mail waits: %s", error)
                courier.unwell = True
            if courier.unwell:
                rates.hold(RATE, HOLD)
                break
    if dealt:
        changes.bump("outbox")
    return dealt


def _send_block(ids: list[int], courier: Courier) -> int:
    """Sends those of these rows that are free. Returns how many it dealt with; stops when the server is unwell.

    What came of a row is committed together with the claim of the next one: one commit a message, and whoever dies here
    leaves one claim behind. TransportError when the connection cannot be made anew; nothing is claimed then.
    """
    rows = {row.pk: row for row in Outgoing.objects.filter(pk__in=ids, state=WorkState.QUEUED)}
    blocked = suppressed({row.to for row in rows.values()})
    outcome, dealt = None, 0
    try:
        for row in (rows[pk] for pk in ids if pk in rows):
            courier.open()
            with transaction.atomic():
                _note(outcome)
                claimed = work.claim_known(row)
            outcome = None
            if claimed:
                dealt += 1
                outcome = _attempt(row, courier, blocked.get(row.to.lower()))
            if courier.unwell:
                break
    finally:
        _note(outcome)
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


def _attempt(row: Outgoing, courier: Courier, why_suppressed: str | None) -> Outcome:
    """Delivers a claimed row. No transaction is open here, and nothing is written."""
    if why_suppressed is not None:
        return Outcome(row, WorkState.SUPPRESSED, why_suppressed)
    try:
        return Outcome(row, WorkState.SENT, provider_id=courier.deliver(compose.message_for(row)))
    except TransportError as error:
        return _fault(row, error)
    except (ValueError, TypeError, LookupError) as error:
        return _fault(row, TransportError(f"{type(error).__name__}: {error}", permanent=True))


def _fault(row: Outgoing, error: TransportError) -> Outcome:
    if error.uncertain:
        return Outcome(row, WorkState.UNCERTAIN, str(error))
    if error.permanent or row.attempts >= MOST_ATTEMPTS:
        log.warning("outgoing %s failed: %s", row.pk, error)
        return Outcome(row, WorkState.FAILED, str(error))
    return Outcome(row, WorkState.QUEUED, str(error), pause=work.pause_after(row.attempts))


def _note(outcome: Outcome | None) -> None:
    if outcome is None:
        return
    if outcome.pause is not None:
        work.put_back(outcome.row, outcome.pause, outcome.error)
    else:
        values = {"provider_id": outcome.provider_id} if outcome.provider_id else {}
        work.finish(outcome.row, WorkState(outcome.state), outcome.error, **values)


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
