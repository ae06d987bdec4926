"""Outgoing mail that belongs together (a bulk reply): held back, let go and stopped as one."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tickets.models import Outgoing, Told, WorkState

# Far enough that no held mail goes out by itself.
HELD = timedelta(days=3650)


def hold(group: str) -> int:
    """Keeps what is queued from being claimed. Mail that is just being sent goes out."""
    return _queued(group).update(due_at=timezone.now() + HELD)


def release(group: str) -> int:
    """Lets held mail go."""
    return _queued(group).update(due_at=timezone.now())


def stop(group: str, why: str) -> list[int]:
    """Gives up what is queued, strikes it from the ledger, and returns the requesters who will not hear of it."""
    with transaction.atomic():
        rows = list(_queued(group).select_for_update().values_list("pk", "requester_id"))
        ids = [pk for pk, _ in rows]
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            _queued(group).filter(pk__in=part).update(state=WorkState.SUPPRESSED, error=why, done_at=timezone.now())
            Told.objects.filter(outgoing__in=part, outgoing__state=WorkState.SUPPRESSED).delete()
    return [requester for _, requester in rows if requester is not None]


def _queued(group: str) -> QuerySet[Outgoing]:
    return Outgoing.objects.filter(group=group, state=WorkState.QUEUED)
