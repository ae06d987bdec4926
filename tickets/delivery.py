"""Sends what the outbox holds: claims row by row, one connection for many, and sweeps what was left behind."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tickets import changes, nudge, rates, work
from tickets.mail import compose, senders
from tickets.mail.transport import Courier, Crew, Receipt
from tickets.models import Identity, Lane, Outgoing, WorkState
from tickets.work import TransportError

log = logging.getLogger(__name__)

SEND, SEND_BULK = "tickets.tasks.send", "tickets.tasks.send_bulk"
RATE = "mail"
# After so many attempts (about three days of growing pauses) a transient fault is taken for a permanent one.
MOST_ATTEMPTS = 30
# One run of the bulk lane: rows and seconds.
RUN_ROWS, RUN_SECONDS = 500, 5.0
# Slots of the global rate taken at once (no more than half a second's), and seconds that a run waits for them.
SLOTS, PATIENCE = 240, 2.0
# Where a call carries many mails, as many slots as this many seconds bring.
CALL_SECONDS = 10.0
# Due rows for which another connection is opened.
WORTH_A_CONNECTION = 25
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
    with Crew(1) as crew:
        try:
            crew.open()
        except TransportError as error:
            pause = timezone.now() + timedelta(seconds=HOLD)
            Outgoing.objects.filter(pk=pk, state=WorkState.QUEUED).update(error=str(error), due_at=pause)
        else:
            rates.spend(RATE, settings.MAIL_RATE)
            _send_block([pk], crew)
    return Outgoing.objects.values_list("state", flat=True).get(pk=pk)


def send_due(lane: str, limit: int = RUN_ROWS, seconds: float = RUN_SECONDS) -> int:
    """Sends due rows of a lane, at most so many and for so long, over few connections. Returns their number."""
    ids, dealt, end = _due(lane, limit), 0, time.monotonic() + seconds
    # Where a call carries many mails, one call at a time is what may be in doubt.
    most = 1 if senders.current().merge else settings.MAIL_CONNECTIONS
    with Crew(min(most, 1 + len(ids) // WORTH_A_CONNECTION)) as crew:
        unwell = False
        while ids and time.monotonic() < end:
            slots = _take_slots(len(ids))
            if not slots:
                break
            block, ids = ids[:slots], ids[slots:]
            try:
                dealt += _send_block(block, crew)
            except TransportError as error:
                log.warning("outgoing mail waits: %s", error)
                unwell = True
            if unwell or crew.unwell:
                rates.hold(RATE, HOLD)
                break
    if dealt:
        changes.bump("outbox")
    return dealt


def _send_block(ids: list[int], crew: Crew) -> int:
    """Sends those of these rows that are free. Returns how many it dealt with; stops when the server is unwell.

    In rounds of one message, or one call of many, on each connection. What came of a round is committed together with
    the claims of the next: one commit a round, and whoever dies here leaves one message or one call in doubt for each
    connection. TransportError when no connection can be made; nothing is claimed then.
    """
    rows = {row.pk: row for row in Outgoing.objects.filter(pk__in=ids, state=WorkState.QUEUED)}
    blocked = suppressed({row.to for row in rows.values()})
    waiting = compose.parcels([rows[pk] for pk in ids if pk in rows], senders.current().merge)
    outcomes: list[Outcome] = []
    dealt = 0

    def attempt(parcel: list[Outgoing], courier: Courier) -> list[Outcome]:
        return _attempt(parcel, courier, blocked)

    try:
        while waiting and not crew.unwell:
            crew.open()
            turn, waiting = waiting[: len(crew)], waiting[len(crew) :]
            with transaction.atomic():
                _note(outcomes)
                claimed = {row.pk for row in work.claim_many([row for parcel in turn for row in parcel])}
            ours = [mine for parcel in turn if (mine := [row for row in parcel if row.pk in claimed])]
            dealt, outcomes = dealt + len(claimed), []
            came, fault = crew.each(attempt, ours)
            outcomes = [outcome for one in came for outcome in one]
            if fault:
                raise fault
    finally:
        _note(outcomes)
    return dealt


def _due(lane: str, limit: int) -> list[int]:
    """Acknowledgements before the rest: who has just written does not wait behind ten thousand bulk mails."""
    rows = Outgoing.objects.filter(lane=lane)
    first = work.due_ids(rows.filter(kind=Outgoing.Kind.ACKNOWLEDGEMENT), limit)
    return first + work.due_ids(rows.exclude(kind=Outgoing.Kind.ACKNOWLEDGEMENT), limit - len(first))


def _take_slots(wanted: int) -> int:
    merge = senders.current().merge
    most = min(merge.most, int(settings.MAIL_RATE * CALL_SECONDS)) if merge else min(SLOTS, int(settings.MAIL_RATE / 2))
    count = max(1, min(most, wanted))
    wait = rates.take(RATE, settings.MAIL_RATE, count=count, patience=PATIENCE)
    if wait is None:
        return 0
    time.sleep(wait)
    return count


def _attempt(parcel: Sequence[Outgoing], courier: Courier, blocked: Mapping[str, str]) -> list[Outcome]:
    """Delivers claimed rows. No transaction is open here, and nothing is written."""
    why = {row.pk: blocked[row.to.lower()] for row in parcel if row.to.lower() in blocked}
    held = [Outcome(row, WorkState.SUPPRESSED, why[row.pk]) for row in parcel if row.pk in why]
    rows = [row for row in parcel if row.pk not in why]
    return held + ([_deliver(rows[0], courier)] if len(rows) == 1 else _deliver_many(rows, courier) if rows else [])


def _deliver_many(rows: Sequence[Outgoing], courier: Courier) -> list[Outcome]:
    """One call for all. A provider that refuses the whole call has none of it: each half is tried for itself then, so
    that one bad recipient holds up nobody."""
    merge = senders.current().merge
    assert merge is not None
    try:
        receipts = courier.deliver_many(compose.merged(rows, merge))
    except TransportError as error:
        if not error.permanent:
            return [_fault(row, error) for row in rows]
    except (ValueError, TypeError, LookupError) as error:
        log.warning("a call of %s mails cannot be written: %s", len(rows), error)
    else:
        return [_received(row, receipts.get(row.to)) for row in rows]
    outcomes: list[Outcome] = []
    for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        outcomes += _deliver_many(half, courier) if len(half) > 1 else [_deliver(half[0], courier)]
    return outcomes


def _received(row: Outgoing, receipt: Receipt | None) -> Outcome:
    if receipt is None or receipt.taken is None:
        return _fault(
            row, TransportError("the provider does not say whether it took it", permanent=False, uncertain=True)
        )
    if receipt.taken:
        return Outcome(row, WorkState.SENT, provider_id=receipt.provider_id)
    return _fault(row, TransportError(f"the provider says: {receipt.status}", permanent=True))


def _deliver(row: Outgoing, courier: Courier) -> Outcome:
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


def _note(outcomes: Sequence[Outcome]) -> None:
    plain = [one for one in outcomes if one.state == WorkState.SENT and not one.provider_id]
    work.finish_sent([one.row for one in plain])
    for outcome in outcomes:
        if outcome in plain:
            continue
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
