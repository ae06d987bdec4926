"""Which tickets belong to an incident: linked by a frozen query, as they arrive, and taken out again as a whole."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tickets import audit, mentions
from tickets.intake import Received
from tickets.models import Entry, Medium, Problem, Ticket
from triage.incidents import frozen
from triage.incidents.frozen import Chunk, Query
from triage.models import Incident, Job

# Tickets in one transaction.
CHUNK = 500
# A ticket that was being written while incident mode was entered saw no incident, and may be committed after the first
# pass: a second pass follows when every such transaction is over. Bulk replies wait for it.
SETTLE = timedelta(seconds=5)
UNSOLVED = (Ticket.State.OPEN, Ticket.State.PENDING)


def matching(query: Query) -> QuerySet[Ticket]:
    """Unsolved tickets that belong to no problem yet and match the frozen query."""
    found = Ticket.objects.filter(
        frozen.within(query),
        state__in=UNSOLVED,
        problem=None,
        merged_into=None,
        created_at__gte=datetime.fromisoformat(query["since"]),
    )
    return found.filter(_mentioning(query["words"])) if query["words"] else found


def _mentioning(words: Sequence[str]) -> Q:
    """The rule of `mentions` in the database, on the subject and on people's own words, quotes left out.

    Callers' tickets have a subject of ours.
    """
    wanted = mentions.pattern(words)
    if not wanted:
        return Q(pk=None)
    said = Entry.objects.filter(ticket=OuterRef("pk"), kind=Entry.Kind.MESSAGE, visible__iregex=wanted)
    return Q(~Q(medium=Medium.PHONE), subject__iregex=wanted) | Q(Exists(said))


def belongs(text: str, words: Sequence[str], medium: str) -> bool:
    """Whether a new ticket is the incident's. Who calls says no words: the call heard the announcement."""
    return not words or medium == Medium.PHONE or mentions.mentions(text, words)


def link_chunk(job: Job) -> Chunk:
    """Links the next tickets, in the caller's transaction."""
    found = matching(job.query).filter(pk__gt=job.cursor).select_for_update(of=("self",))
    ids = list(found.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    problem = Problem.objects.get(pk=job.query["problem"])
    Ticket.objects.filter(pk__in=ids).update(problem=problem, changed_at=timezone.now())
    _note(ids, f"Linked to “{problem.title}”", job=job.pk, problem=problem.pk, linked=True)
    return Chunk(ids[-1] if ids else job.cursor, len(ids), done=len(ids) < CHUNK)


def settles_in(job: Job) -> timedelta | None:
    """How long until the second pass; None when this one was it, or where only one can write at a time (SQLite)."""
    if not connection.features.has_select_for_update:
        return None
    left = datetime.fromisoformat(job.query["until"]) + SETTLE - timezone.now()
    return left if left > timedelta(0) else None


def linked_by(job: Job) -> QuerySet[Ticket]:
    """Tickets that this job linked and that still belong to its problem."""
    mine = Entry.objects.filter(ticket=OuterRef("pk"), kind=Entry.Kind.EVENT, payload__job=job.pk, payload__linked=True)
    return Ticket.objects.filter(Exists(mine), problem=job.query["problem"])


def unlink_chunk(job: Job) -> Chunk:
    """Takes the next tickets of another job out of its problem, in the caller's transaction."""
    linking = Job.objects.get(pk=job.query["job"])
    ids = list(linked_by(linking).filter(pk__gt=job.cursor).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    Ticket.objects.filter(pk__in=ids).update(problem=None, changed_at=timezone.now())
    _note(ids, "No longer linked to the problem", problem=linking.query["problem"], linked=False)
    return Chunk(ids[-1] if ids else job.cursor, len(ids), done=len(ids) < CHUNK)


def unlink_all(linking: Job, by: Any) -> Job:
    """Undoes a whole linking, as a job of its own. Asked for twice, it is one."""
    undo = Job.objects.filter(kind=Job.Kind.UNLINK, incident=linking.incident, query__job=linking.pk).first()
    if undo is None:
        undo = frozen.make(Job.Kind.UNLINK, linking.incident, by, {"job": linking.pk}, total=linking.expanded)
        audit.record(by, "incident.unlink", linking.incident_id, job=linking.pk, tickets=linking.expanded)
    return undo


def link_received(received: Sequence[Received]) -> None:
    """Links new tickets to the newest incident that takes them. Runs in intake's transaction: one query, or two."""
    new = [one for one in received if one.created and one.ticket.problem_id is None]
    if not new:
        return
    on = Incident.objects.filter(left_at=None, link_new=True).order_by("-entered_at")
    incidents = list(on.values_list("problem_id", "link_words", "started_at"))
    linked: dict[int, list[int]] = defaultdict(list)
    for one in new:
        said = f"{one.message.subject}\n{one.message.visible or one.message.text}"
        for problem, words, since in incidents:
            if since <= one.ticket.created_at and belongs(said, words, one.ticket.medium):
                one.ticket.problem_id = problem
                linked[problem].append(one.ticket.pk)
                break
    for problem, tickets in linked.items():
        Ticket.objects.filter(pk__in=tickets).update(problem=problem)


def _note(tickets: Sequence[int], text: str, by: Any = None, **payload: Any) -> None:
    now = timezone.now()
    Entry.objects.bulk_create(
        Entry(ticket_id=pk, kind=Entry.Kind.EVENT, author=by, text=text, payload=payload, happened_at=now)
        for pk in tickets
    )
