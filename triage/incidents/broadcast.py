"""A reply in bulk: everybody linked to an incident hears it once, in one mail however many tickets they have."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from tickets import audit, changes, groups, nudge, outbox
from tickets.delivery import SEND_BULK
from tickets.mail import words
from tickets.models import Entry, Identity, Lane, MessageReference, Outgoing, Ticket, Told, WorkState
from triage.incidents import frozen
from triage.incidents.frozen import EXPAND, Chunk
from triage.models import Broadcast, Incident, Job, Update

# People in one transaction: fewer than 500, so that other writers on SQLite wait less.
CHUNK = 250
# Languages that a reply is offered to be written in.
LANGUAGES = 6


def make(
    incident: Incident,
    update: Update | None,
    subject: str,
    text: str,
    *,
    by: Any,
    key: str,
    translations: Mapping[str, str] | None = None,
    solves: bool = False,
    after: Job | None = None,
) -> Broadcast:
    """A bulk reply to those who are linked now, in the caller's transaction. The same `key` gives the same one."""
    known = Broadcast.objects.filter(key=key).first()
    if known is not None:
        return known
    upto = frozen.up_to(timezone.now())
    query = {"problem": incident.problem_id, "after": after.pk if after else None, **upto}
    job = frozen.make(Job.Kind.BROADCAST, incident, by, query)
    made = Broadcast.objects.create(
        incident=incident,
        update=update,
        job=job,
        key=key,
        subject=subject[:200],
        body=text,
        translations={tag: said for tag, said in (translations or {}).items() if said},
        solves=solves,
        by=by,
    )
    audit.record(by, "broadcast.make", made.pk, incident=incident.pk, solves=solves)
    changes.bump("incident")
    return made


def confirm(
    incident: Incident,
    update: Update,
    subject: str,
    text: str,
    *,
    by: Any,
    key: str,
    solves: bool,
    translations: Mapping[str, str] | None = None,
) -> Broadcast:
    """What a confirmation page calls: pressed twice, or by two people with the same page, it is made once."""
    with transaction.atomic():
        Incident.objects.select_for_update().get(pk=incident.pk)
        return make(incident, update, subject, text, by=by, key=key, solves=solves, translations=translations)


def answerable(problem: int) -> QuerySet[Ticket]:
    """Linked tickets that a bulk reply goes to: neither closed nor merged into another, nor made by the simulator."""
    return Ticket.objects.filter(problem=problem, merged_into=None, simulated=False).exclude(state=Ticket.State.CLOSED)


def people_of(tickets: QuerySet[Ticket], about: str = "") -> dict[str, int]:
    """How many different requesters will be written to, have heard `about` already, and cannot be written to."""
    address = Identity.objects.filter(requester=OuterRef("requester"), kind=Identity.Kind.EMAIL, suppressed_at=None)
    told = Told.objects.filter(requester=OuterRef("requester"), about=about)
    everybody = tickets.order_by().values("requester").distinct()
    reachable = everybody.filter(Exists(address))
    to_all, fresh = reachable.count(), reachable.filter(~Exists(told)).count()
    return {"people": fresh, "heard": to_all - fresh, "unreachable": everybody.count() - to_all}


def languages_of(tickets: QuerySet[Ticket]) -> dict[str, int]:
    """How many people wrote in which other language than the house's, as its short tag; the most spoken first."""
    own = settings.LANGUAGE_CODE.partition("-")[0]
    counted: Counter[str] = Counter()
    rows = tickets.exclude(language="").order_by().values("language").annotate(n=Count("requester", distinct=True))
    for tag, people in rows.values_list("language", "n"):
        short = tag.lower().partition("-")[0]
        if short != own and short.isalnum():
            counted[short] += people
    return dict(counted.most_common(LANGUAGES))


def expand_chunk(job: Job) -> Chunk:
    """Queues the mails of the next people, in the caller's transaction. The cursor runs over requesters."""
    # Locked, so that who pauses waits for this chunk, or this chunk sees the pause.
    broadcast = Broadcast.objects.select_for_update().get(job=job)
    if broadcast.paused:
        return Chunk(job.cursor, 0, done=False)
    found = answerable(job.query["problem"]).filter(frozen.within(job.query))
    if not job.cursor:
        Job.objects.filter(pk=job.pk).update(total=found.order_by().values("requester").distinct().count())
    found = found.filter(requester__gt=job.cursor)
    people = list(found.order_by("requester").values_list("requester", flat=True).distinct()[:CHUNK])
    tickets: dict[int, list[Ticket]] = defaultdict(list)
    for ticket in found.filter(requester__in=people).select_related("requester", "problem").order_by("-pk"):
        tickets[ticket.requester_id].append(ticket)
    addresses = addresses_of({person: theirs[0].pk for person, theirs in tickets.items()})
    reachable = [person for person in people if person in addresses]
    mails = outbox.queue_many([_draft(broadcast, tickets[person][0], addresses[person]) for person in reachable])
    told = [(tickets[person], mail) for person, mail in zip(reachable, mails, strict=True) if mail is not None]
    _note(broadcast, told)
    # Who heard it before has the answer, too; but only the closing reply says that the matter is done.
    answered = reachable if broadcast.solves else [theirs[0].requester_id for theirs, _ in told]
    _move_on([ticket for person in answered for ticket in tickets[person]], broadcast.solves)
    return Chunk(
        people[-1] if people else job.cursor,
        len(people),
        done=len(people) < CHUNK,
        skipped=len(reachable) - len(told),
        unreachable=len(people) - len(reachable),
    )


def addresses_of(newest: Mapping[int, int]) -> dict[int, str]:
    """Requester → address that we may write to: where their newest ticket (its id) came from, else their first."""
    usable: dict[int, list[str]] = defaultdict(list)
    found = Identity.objects.filter(requester__in=newest, kind=Identity.Kind.EMAIL, suppressed_at=None)
    for requester, value in found.order_by("pk").values_list("requester", "value"):
        usable[requester].append(value)
    wrote = Entry.objects.filter(ticket__in=newest.values(), kind=Entry.Kind.MESSAGE).order_by("happened_at", "pk")
    sender = {ticket: address.lower() for ticket, address in wrote.values_list("ticket", "sender")}
    return {
        person: last if (last := sender.get(newest[person], "")) in known else known[0]
        for person, known in usable.items()
    }


def _draft(broadcast: Broadcast, ticket: Ticket, address: str) -> outbox.Draft:
    text = broadcast.text_for(ticket.language)
    return outbox.Draft(
        kind=Outgoing.Kind.BROADCAST,
        lane=Lane.BULK,
        to=address,
        requester=ticket.requester,
        ticket=ticket,
        subject=broadcast.subject,
        text=text,
        html=words.as_html(text),
        problem=ticket.problem,
        group=broadcast.group,
        about=[broadcast.update.about if broadcast.update else broadcast.group],
    )


def _note(broadcast: Broadcast, told: Sequence[tuple[Sequence[Ticket], Outgoing]]) -> None:
    """The mail as a reply on each person's newest ticket, and a line that says so on their others."""
    now = timezone.now()
    said = {"author": broadcast.by, "happened_at": now, "payload": {"broadcast": broadcast.pk}}
    replies = [
        Entry(ticket=tickets[0], kind=Entry.Kind.REPLY, text=mail.text, visible=mail.text, **said)
        for tickets, mail in told
    ]
    others = [
        Entry(ticket=ticket, kind=Entry.Kind.EVENT, text=f"Answered in bulk, by the mail on #{tickets[0].pk}", **said)
        for tickets, _ in told
        for ticket in tickets[1:]
    ]
    Entry.objects.bulk_create([*replies, *others], batch_size=200)
    for reply, (_, mail) in zip(replies, told, strict=True):
        mail.entry = reply
    Outgoing.objects.bulk_update([mail for _, mail in told], ["entry"], batch_size=200)
    MessageReference.objects.bulk_create(
        MessageReference(entry=mail.entry, message_id=mail.message_id, own=True) for _, mail in told
    )


def _move_on(tickets: Sequence[Ticket], solves: bool) -> None:
    """Answered tickets leave the queue: solved by a closing reply, else waiting, until the customer writes again."""
    now = timezone.now()
    ids = [ticket.pk for ticket in tickets]
    rows = Ticket.objects.filter(pk__in=ids, state__in=[Ticket.State.OPEN, Ticket.State.PENDING])
    if solves:
        rows.update(state=Ticket.State.SOLVED, solved_at=now, waiting_since=None, due_at=None, changed_at=now)
    else:
        rows.update(state=Ticket.State.PENDING, waiting_since=None, due_at=None, changed_at=now)


def is_paused(job: Job) -> bool:
    return Broadcast.objects.filter(job=job, paused=True).exists()


def pause(broadcast: Broadcast, by: Any) -> None:
    """Holds what is queued and stops the expansion at its next chunk."""
    with transaction.atomic():
        if Broadcast.objects.filter(pk=broadcast.pk, paused=False, stopped_at=None).update(paused=True):
            groups.hold(broadcast.group)
            _acted(broadcast, by, "broadcast.pause")


def resume(broadcast: Broadcast, by: Any) -> None:
    """Goes on where it stood."""
    with transaction.atomic():
        if Broadcast.objects.filter(pk=broadcast.pk, paused=True, stopped_at=None).update(paused=False):
            groups.release(broadcast.group)
            Job.objects.filter(pk=broadcast.job_id, state=WorkState.QUEUED).update(due_at=timezone.now())
            nudge.send(EXPAND, broadcast.job_id, queue="bulk")
            nudge.send(SEND_BULK, queue="bulk")
            _acted(broadcast, by, "broadcast.resume")


def stop(broadcast: Broadcast, by: Any) -> int:
    """Gives up what was not sent yet and puts those tickets back into the queue. Returns how many people."""
    now = timezone.now()
    with transaction.atomic():
        if not Broadcast.objects.filter(pk=broadcast.pk, stopped_at=None).update(stopped_at=now, paused=False):
            return 0
        # The job first: a chunk that is being written is waited for, and none follows it.
        Job.objects.filter(pk=broadcast.job_id, state__in=[WorkState.QUEUED, WorkState.SENDING]).update(
            state=WorkState.SUPPRESSED, done_at=now, error="stopped"
        )
        people = groups.stop(broadcast.group, "stopped")
        for start in range(0, len(people), 500):
            answerable(broadcast.incident.problem_id).filter(
                requester__in=people[start : start + 500], state__in=[Ticket.State.PENDING, Ticket.State.SOLVED]
            ).update(
                state=Ticket.State.OPEN,
                waiting_since=Coalesce(F("waiting_since"), F("created_at")),
                solved_at=None,
                changed_at=now,
            )
        _acted(broadcast, by, "broadcast.stop", people=len(people))
    return len(people)


def _acted(broadcast: Broadcast, by: Any, action: str, **detail: Any) -> None:
    audit.record(by, action, broadcast.pk, **detail)
    changes.bump("incident", f"broadcast:{broadcast.pk}", "tickets")
