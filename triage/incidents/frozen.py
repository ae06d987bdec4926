"""A job's query, frozen when it is made: what arrives later is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q
from django.utils import timezone

from tickets import nudge
from tickets.models import Ticket
from triage.models import Incident, Job

EXPAND = "triage.tasks.expand"

Query = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one transaction of a job did. `done`: nothing is left."""

    cursor: int
    expanded: int
    done: bool
    skipped: int = 0
    unreachable: int = 0


def up_to(now: datetime) -> Query:
    """What freezes a query: the newest id and the time, since a ticket being written now may have any id."""
    newest = Ticket.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return {"max_id": newest, "until": now.isoformat()}


def within(query: Query) -> Q:
    """Tickets that were there, or reached us, when the query was frozen."""
    return Q(pk__lte=query["max_id"]) | Q(created_at__lte=datetime.fromisoformat(query["until"]))


def query_of(since: datetime, words: Sequence[str], now: datetime) -> Query:
    """Tickets since a time, with any of the words, up to now: as jobs keep it."""
    return {"since": since.isoformat(), "words": list(words), **up_to(now)}


def make(kind: Job.Kind, incident: Incident | None, by: Any, query: Query, total: int = 0) -> Job:
    """A job row, nudged after commit."""
    job = Job.objects.create(kind=kind, incident=incident, by=by, query=query, total=total, due_at=timezone.now())
    nudge.send(EXPAND, job.pk, queue="bulk")
    return job
