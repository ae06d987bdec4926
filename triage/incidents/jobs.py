"""Long work on many rows: claimed by one worker, done in small transactions, resumed where it stood."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tickets import changes, nudge, work
from tickets.models import WorkState
from triage.incidents import broadcast, linking
from triage.incidents.frozen import EXPAND, Chunk
from triage.models import Job
from triage.status import subscribers

log = logging.getLogger(__name__)

# Seconds without a chunk after which a job's worker is taken for dead. Every chunk renews the claim.
STALE = 20
# Seconds a due job waits for a worker before the watch does a part of it itself (broker or workers are away).
PATIENCE = 15
# Chunks that the watch does of one job before it turns to its other chores.
SLICE = 4
# Attempts after which a job that fails is left for a person.
ATTEMPTS = 25
# Seconds between two chunks, so that other writers get their turn on SQLite.
BREATH = 0.02

CHUNKS: dict[str, Callable[[Job], Chunk]] = {
    Job.Kind.LINK: linking.link_chunk,
    Job.Kind.UNLINK: linking.unlink_chunk,
    Job.Kind.BROADCAST: broadcast.expand_chunk,
    Job.Kind.UPDATE: subscribers.expand_chunk,
}


class Lost(Exception):
    """The claim went to somebody else, or the job was stopped."""


def expand(job_id: int, chunks: int | None = None) -> bool:
    """Works a job off, at most `chunks` transactions of it. False when it was not there for the taking."""
    job = work.claim(Job.objects.all(), job_id)
    if job is None:
        return False
    try:
        _expand(job, chunks)
    except Lost:
        log.info("job %s is no longer ours", job_id)
    except Exception as error:  # whatever it is: the job waits, its error is shown, and it is tried again
        log.exception("job %s", job_id)
        if job.attempts >= ATTEMPTS:
            work.finish(job, WorkState.FAILED, f"{type(error).__name__}: {error}")
        else:
            work.put_back(job, timedelta(seconds=min(2**job.attempts, 60)), f"{type(error).__name__}: {error}")
    return True


def _expand(job: Job, chunks: int | None) -> None:
    pause = _waits(job)
    if pause is not None:
        work.put_back(job, pause, "")
        Job.objects.filter(pk=job.pk, state=WorkState.QUEUED).update(attempts=0)  # waiting is no failure
        return
    while chunks is None or chunks > 0:
        chunk = _advance(job)
        changes.bump("incident", "tickets")
        if chunk.done:
            _end(job)
            return
        if _waits(job) is not None:
            break
        chunks = None if chunks is None else chunks - 1
        time.sleep(BREATH)
    work.put_back(job, timedelta(0), "")


def _waits(job: Job) -> timedelta | None:
    """How long until it is worth looking again: a broadcast waits for the linking before it, and while it is paused."""
    after = job.query.get("after")
    if after and Job.objects.filter(pk=after, state__in=[WorkState.QUEUED, WorkState.SENDING]).exists():
        return timedelta(seconds=2)
    if job.kind == Job.Kind.BROADCAST and broadcast.is_paused(job):
        return timedelta(seconds=30)
    return None


def _advance(job: Job) -> Chunk:
    """One chunk and the cursor behind it, in one transaction: killed anywhere, it is done wholly or not at all."""
    with transaction.atomic():
        now = timezone.now()
        mine = Job.objects.filter(pk=job.pk, state=WorkState.SENDING, claimed_at=job.claimed_at, cursor=job.cursor)
        if not mine.update(claimed_at=now):
            raise Lost
        chunk = CHUNKS[job.kind](job)
        Job.objects.filter(pk=job.pk).update(
            cursor=chunk.cursor,
            attempts=0,
            expanded=F("expanded") + chunk.expanded,
            skipped=F("skipped") + chunk.skipped,
            unreachable=F("unreachable") + chunk.unreachable,
        )
    job.claimed_at, job.cursor, job.attempts = now, chunk.cursor, 0
    return chunk


def _end(job: Job) -> None:
    """Finished, unless a linking has its second pass before it; then what waits for it may begin."""
    pause = linking.settles_in(job) if job.kind == Job.Kind.LINK else None
    if pause is not None:
        if work.put_back(job, pause, ""):
            Job.objects.filter(pk=job.pk, state=WorkState.QUEUED).update(cursor=0)
        return
    work.finish(job, WorkState.SENT)
    for following in Job.objects.filter(incident=job.incident_id, query__after=job.pk, state=WorkState.QUEUED):
        Job.objects.filter(pk=following.pk, state=WorkState.QUEUED).update(due_at=timezone.now())
        nudge.send(EXPAND, following.pk, queue="bulk")


def sweep(now: datetime | None = None) -> int:
    """Queues the jobs of dead workers again, nudges what is due, and does a part of what nobody took. Returns how many.

    Nothing here becomes uncertain: a chunk touches only the database, so that it is done or it is not.
    """
    now = now or timezone.now()
    stale = Job.objects.filter(state=WorkState.SENDING, claimed_at__lt=now - timedelta(seconds=STALE))
    stale.update(state=WorkState.QUEUED, claimed_at=None, due_at=now)
    due = Job.objects.filter(state=WorkState.QUEUED, due_at__lte=now)
    found = work.due_ids(Job.objects.all(), 50, now)
    for pk in found:
        nudge.send(EXPAND, pk, queue="bulk")
    for pk in due.filter(due_at__lt=now - timedelta(seconds=PATIENCE)).values_list("pk", flat=True)[:2]:
        expand(pk, SLICE)
    return len(found)
