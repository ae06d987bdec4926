"""A job's query, frozen when it is made: what arrives later is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
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


def newest_ticket() -> int:
    """The id that freezes a query: later tickets are not in it."""
    return Ticket.objects.aggregate(newest=Max("pk"))["newest"] or 0


def query_of(since: datetime, words: Sequence[str], max_id: int) -> Query:
    """Tickets since a time, with any of the words, up to an id: as jobs keep it."""
    return {"since": since.isoformat(), "words": list(words), "max_id": max_id}


def make(kind: Job.Kind, incident: Incident, by: Any, query: Query, total: int = 0) -> Job:
    """A job row, nudged after commit."""
    job = Job.objects.create(kind=kind, incident=incident, by=by, query=query, total=total, due_at=timezone.now())
    nudge.send(EXPAND, job.pk, queue="bulk")
    return job
