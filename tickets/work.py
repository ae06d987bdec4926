"""Work to be done is a row: claimed by a conditional update, fenced while done, swept when its claim goes stale."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from tickets.models import Work, WorkState

Row = TypeVar("Row", bound=Work)
_NEVER = datetime.min.replace(tzinfo=UTC)


class TransportError(Exception):
    """An outside service did not do it.

    `permanent`: trying again is useless. `uncertain`: it may have been done all the same. `ours`: the service, or our
    account with it, is at fault and not this row, so that the next row would fare no better now.
    """

    def __init__(self, message: str, permanent: bool, *, uncertain: bool = False, ours: bool = False) -> None:
        super().__init__(message)
        self.permanent, self.uncertain, self.ours = permanent, uncertain, ours


def claim(rows: QuerySet[Row], pk: int, now: datetime | None = None) -> Row | None:
    """Claims one due, queued row for this caller alone; None when somebody else has it or it is not due.

    To be called outside a transaction: the claim counts once it is committed. Two who want the same row are decided by
    the row count of the update; who loses goes on to the next row, so nobody waits for a lock held over the network.
    """
    now = now or timezone.now()
    due = rows.filter(pk=pk, state=WorkState.QUEUED, due_at__lte=now)
    if not due.update(state=WorkState.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return None
    return rows.model._default_manager.get(pk=pk)


def claim_known(row: Row, now: datetime | None = None) -> bool:
    """Claims a row that was read before, unless anything has happened to it since; saves reading it again."""
    now = now or timezone.now()
    unchanged = type(row)._default_manager.filter(
        pk=row.pk, state=WorkState.QUEUED, attempts=row.attempts, due_at__lte=now
    )
    if not unchanged.update(state=WorkState.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return False
    row.state, row.claimed_at, row.attempts = WorkState.SENDING, now, row.attempts + 1
    return True


def claim_many(rows: Sequence[Row]) -> list[Row]:
    """Claims rows that were read before, in a query where nobody else wants them; returns those that are ours."""
    now = timezone.now()
    claimed: list[Row] = []
    for attempts in sorted({row.attempts for row in rows}):
        alike = [row for row in rows if row.attempts == attempts]
        wanted = type(alike[0])._default_manager.filter(
            pk__in=[row.pk for row in alike], state=WorkState.QUEUED, attempts=attempts, due_at__lte=now
        )
        try:
            with transaction.atomic():
                if wanted.update(state=WorkState.SENDING, claimed_at=now, attempts=F("attempts") + 1) != len(alike):
                    # Somebody has some of them; which ones, only claims of one row each can tell.
                    raise _Contested
        except _Contested:
            claimed += [row for row in alike if claim_known(row, now)]
            continue
        for row in alike:
            row.state, row.claimed_at, row.attempts = WorkState.SENDING, now, attempts + 1
        claimed += alike
    return claimed


class _Contested(Exception):
    pass


def due_ids(rows: QuerySet[Row], limit: int, now: datetime | None = None) -> list[int]:
    """Ids of queued rows that are due, the longest due first: candidates for `claim`."""
    due = rows.filter(state=WorkState.QUEUED, due_at__lte=now or timezone.now())
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def finish(row: Row, state: WorkState, error: str = "", **values: object) -> bool:
    """Ends the claim that `row` was claimed with. False when the claim was lost meanwhile (swept).

    A slow worker may learn that its work was done after the claim was swept: `sent` is then the truth, unless somebody
    has claimed the row anew or decided about it.
    """
    row.state, row.error = state, error
    mine = type(row)._default_manager.filter(pk=row.pk, attempts=row.attempts, claimed_at=row.claimed_at)
    held = mine.filter(state=WorkState.SENDING)
    if state == WorkState.SENT:
        held = mine.filter(state__in=[WorkState.SENDING, WorkState.UNCERTAIN, WorkState.QUEUED])
    return bool(held.update(state=state, error=error, done_at=timezone.now(), **values))


def finish_sent(rows: Sequence[Row]) -> None:
    """Ends as sent the claims of rows that nothing more is to be said of, in a query for those claimed together."""
    for claim_of in sorted({(row.claimed_at or _NEVER, row.attempts) for row in rows}):
        alike = [row for row in rows if (row.claimed_at or _NEVER, row.attempts) == claim_of]
        claimed_at, attempts = claim_of
        type(alike[0])._default_manager.filter(
            pk__in=[row.pk for row in alike],
            attempts=attempts,
            claimed_at=claimed_at,
            state__in=[WorkState.SENDING, WorkState.UNCERTAIN, WorkState.QUEUED],
        ).update(state=WorkState.SENT, error="", done_at=timezone.now())
        for row in alike:
            row.state, row.error = WorkState.SENT, ""


def put_back(row: Row, pause: timedelta, error: str) -> bool:
    """Queues a claimed row again after `pause`."""
    mine = type(row)._default_manager.filter(
        pk=row.pk, attempts=row.attempts, state=WorkState.SENDING, claimed_at=row.claimed_at
    )
    return bool(mine.update(state=WorkState.QUEUED, claimed_at=None, due_at=timezone.now() + pause, error=error))


def pause_after(attempts: int, *, first: float = 30.0, most: float = 3 * 3600.0) -> timedelta:
    """How long to wait after this many attempts: doubling from `first` to `most` seconds, the last quarter by chance.

    The jitter keeps rows that failed together from coming back together.
    """
    seconds = min(first * 2 ** min(max(attempts - 1, 0), 20), most)
    return timedelta(seconds=seconds * (0.75 + random.random() / 4))  # noqa: S311  nothing secret


def sweep(rows: QuerySet[Row], now: datetime | None = None) -> Sequence[int]:
    """Marks claims older than CLAIM_STALE_SECONDS uncertain and returns their ids."""
    before = (now or timezone.now()) - timedelta(seconds=settings.CLAIM_STALE_SECONDS)
    stale = rows.filter(state=WorkState.SENDING, claimed_at__lt=before)
    found = list(stale.values_list("pk", "claimed_at"))
    return [
        pk
        for pk, claimed_at in found
        if rows.filter(pk=pk, state=WorkState.SENDING, claimed_at=claimed_at).update(
            state=WorkState.UNCERTAIN, error="whoever was at it never came back"
        )
    ]
