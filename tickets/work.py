"""Work to be done is a row: claimed by a conditional update, fenced while done, swept when its claim goes stale."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from tickets.models import Work, WorkState

Row = TypeVar("Row", bound=Work)


def claim(rows: QuerySet[Row], pk: int, now: datetime | None = None) -> Row | None:
    """Claims one due, queued row for this caller alone; None when somebody else has it or it is not due."""
    now = now or timezone.now()
    due = rows.filter(pk=pk, state=WorkState.QUEUED, due_at__lte=now)
    if not due.update(state=WorkState.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return None
    return rows.model._default_manager.get(pk=pk)


def due_ids(rows: QuerySet[Row], limit: int, now: datetime | None = None) -> list[int]:
    """Ids of queued rows that are due, the longest due first: candidates for `claim`."""
    due = rows.filter(state=WorkState.QUEUED, due_at__lte=now or timezone.now())
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def finish(row: Row, state: WorkState, error: str = "", **values: object) -> bool:
    """Ends the claim that `row` was claimed with. False when the claim was lost meanwhile (swept): nothing changes."""
    row.state, row.error = state, error
    mine = type(row)._default_manager.filter(pk=row.pk, state=WorkState.SENDING, claimed_at=row.claimed_at)
    return bool(mine.update(state=state, error=error, done_at=timezone.now(), **values))


def put_back(row: Row, pause: timedelta, error: str) -> bool:
    """Queues a claimed row again after `pause`."""
    mine = type(row)._default_manager.filter(pk=row.pk, state=WorkState.SENDING, claimed_at=row.claimed_at)
    return bool(mine.update(state=WorkState.QUEUED, claimed_at=None, due_at=timezone.now() + pause, error=error))


def sweep(rows: QuerySet[Row], now: datetime | None = None) -> Sequence[int]:
    """Marks claims older than CLAIM_STALE_SECONDS uncertain and returns their ids."""
    before = (now or timezone.now()) - timedelta(seconds=settings.CLAIM_STALE_SECONDS)
    stale = rows.filter(state=WorkState.SENDING, claimed_at__lt=before)
    found = list(stale.values_list("pk", "claimed_at"))
    return [
        pk
        for pk, claimed_at in found
        if rows.filter(pk=pk, state=WorkState.SENDING, claimed_at=claimed_at).update(state=WorkState.UNCERTAIN)
    ]
