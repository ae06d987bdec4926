"""Text messages that we send: rows, queued once, sent by workers, decided by a person where nobody knows."""

import logging
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils import timezone

from tickets import audit, changes, nudge, rates, work
from tickets.models import Entry, Identity, Problem, Ticket, WorkState
from tickets.work import TransportError
from voice.models import Line, TextMessage
from voice.numbers import may_text
from voice.segments import segments
from voice.twilio_client import NoTelephone, telephone
from voice.words import sentence

log = logging.getLogger(__name__)

SEND = "voice.tasks.send_texts"
SEND_BULK = "voice.tasks.send_bulk_texts"
# Seconds that a text waits for its turn, and that one run of the texts in bulk lasts.
PATIENCE, RUN = 5.0, 20.0
# Last digits in which the numbers of one block differ: caller IDs are forged to pump texts to whole blocks.
PREFIX_DIGITS = 4
MOST_ATTEMPTS = 10
# Rows that one sweep hands to workers, and seconds until a row without a telephone is looked at again.
SWEEP, WITHOUT_TELEPHONE = 50, timedelta(minutes=5)


def queue(
    to: str,
    body: str,
    *,
    line: Line,
    ticket: Ticket | None = None,
    problem: Problem | None = None,
    once: str | None = None,
) -> TextMessage | None:
    """Queues a text; None when the number gets none from us, or `once` was queued before."""
    if may_text(to, settings.CALL_COUNTRIES) or _opted_out([to]):
        return None
    try:
        with transaction.atomic():
            row = TextMessage.objects.create(
                to=to, sender=line.number, body=body[:1600], ticket=ticket, problem=problem, once=once,
                due_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError:
        # Queued before, or by somebody else at this moment.
        return None
    nudge.send(SEND, [row.pk], queue="live")
    changes.bump("texts")
    return row


def queue_many(drafts: Sequence[TextMessage]) -> int:
    """Queues texts that belong together (same `group`, each with a `once`), in as few queries for many as for one.

    They leave behind what is sent one by one. Returns how many are new: the others stand already or get no texts.
    """
    out = _opted_out([draft.to for draft in drafts])
    rows = [row for row in drafts if row.to not in out and not may_text(row.to, settings.CALL_COUNTRIES)]
    known = set(TextMessage.objects.filter(once__in=[row.once for row in rows]).values_list("once", flat=True))
    new = {row.once: row for row in rows if row.once not in known}
    TextMessage.objects.bulk_create(new.values(), batch_size=200, ignore_conflicts=True)
    nudge.send(SEND_BULK, queue="bulk")
    changes.bump("texts")
    return len(new)


def minutes_for(parts: int) -> int:
    """How long so many segments take at the rate of this account, rounded up."""
    return ceil(parts / settings.TEXTS_PER_SECOND / 60)


def minutes_left() -> int:
    """How long it takes until all that is queued has left."""
    bodies = TextMessage.objects.filter(state=WorkState.QUEUED).values_list("body").annotate(n=Count("pk"))
    return minutes_for(sum(segments(body) * count for body, count in bodies))


def progress(group: str) -> dict[str, int]:
    """How many texts of a group are in which state."""
    rows = TextMessage.objects.filter(group=group).values_list("state").annotate(n=Count("pk"))
    return dict(rows)


def queue_status_link(
    number: str,
    problem: Problem,
    *,
    line: Line,
    ticket: Ticket | None = None,
    language: str = "",
    by: Any = None,
    simulated: bool = False,
) -> TextMessage | None:
    """Texts where to read the news: one per number and incident, so many an hour per block of numbers."""
    if simulated or _pumped(number):
        return None
    language = language or (ticket.language if ticket else "") or (line.languages or ["en"])[0]
    words = sentence("status_link", language, problem=problem.title, url=settings.PUBLIC_URL + reverse("status"))
    with transaction.atomic():
        row = queue(number, words, line=line, ticket=ticket, problem=problem, once=f"status:{problem.pk}:{number}")
        if row is not None and ticket is not None:
            Entry.objects.create(
                ticket=ticket, kind=Entry.Kind.AUTOMATIC, author=by, text=words, visible=words,
                payload={"text": row.pk}, happened_at=timezone.now(),
            )  # fmt: skip
            changes.bump(f"ticket:{ticket.pk}")
    return row


def send(pk: int) -> str:
    """Sends one text now, if it is due and free. Returns the state it is in afterwards."""
    try:
        line = telephone()
    except NoTelephone as error:
        later = timezone.now() + WITHOUT_TELEPHONE
        TextMessage.objects.filter(pk=pk, state=WorkState.QUEUED).update(error=str(error), due_at=later)
        return WorkState.QUEUED
    parts = segments(TextMessage.objects.values_list("body", flat=True).get(pk=pk))
    wait = rates.take("texts", settings.TEXTS_PER_SECOND, count=parts, patience=PATIENCE)
    if wait is None:
        # The sweep comes back for it.
        return WorkState.QUEUED
    time.sleep(wait)
    row = work.claim(TextMessage.objects.all(), pk)
    if row is not None:
        _attempt(row, line)
        changes.bump("texts")
    return TextMessage.objects.values_list("state", flat=True).get(pk=pk)


def sweep() -> int:
    """Stale claims become uncertain; due rows whose nudge was lost are handed to workers again. Returns how many."""
    uncertain = work.sweep(TextMessage.objects.all())
    ids = work.due_ids(_live(), SWEEP)
    for pk in ids:
        nudge.send(SEND, [pk], queue="live")
    bulk = work.due_ids(_bulk(), 1)
    if bulk:
        nudge.send(SEND_BULK, queue="bulk")
    if uncertain:
        changes.bump("texts")
    return len(uncertain) + len(ids) + len(bulk)


def send_due(most: int = 5) -> int:
    """Sends what is due here and now, a few at a time, the single ones first: for when no worker hears of it."""
    ids = [*work.due_ids(_live(), most), *work.due_ids(_bulk(), most)][:most]
    return sum(send(pk) != WorkState.QUEUED for pk in ids)


def run_bulk() -> int:
    """One bounded run over texts in bulk, at the account's rate; the sweep asks for the next. Returns how many left."""
    until, dealt = time.monotonic() + RUN, 0
    if not _has_telephone():
        return 0
    while time.monotonic() < until and (ids := work.due_ids(_bulk(), 10)):
        # What somebody sends by hand meanwhile is not kept waiting behind thousands.
        for pk in [*work.due_ids(_live(), 5), *ids]:
            if send(pk) == WorkState.QUEUED:
                return dealt
            dealt += 1
    return dealt


def _has_telephone() -> bool:
    try:
        telephone()
    except NoTelephone as error:
        due = _bulk().filter(state=WorkState.QUEUED, due_at__lte=timezone.now())
        due.update(error=str(error), due_at=timezone.now() + WITHOUT_TELEPHONE)
        return False
    return True


def _live() -> QuerySet[TextMessage]:
    return TextMessage.objects.filter(group="")


def _bulk() -> QuerySet[TextMessage]:
    return TextMessage.objects.exclude(group="")


def send_again(pk: int, by: Any) -> bool:
    """A person has decided that this one leaves again."""
    if not _decide(pk, by, "text.send_again", state=WorkState.QUEUED, due_at=timezone.now(), done_at=None):
        return False
    nudge.send(SEND, [pk], queue="live")
    return True


def count_as_sent(pk: int, by: Any) -> bool:
    """A person knows, or has decided, that this one needs no further attempt."""
    return _decide(pk, by, "text.count_as_sent", state=WorkState.SENT, done_at=timezone.now())


def _decide(pk: int, by: Any, action: str, **values: Any) -> bool:
    with transaction.atomic():
        waits = TextMessage.objects.filter(pk=pk, state__in=[WorkState.FAILED, WorkState.UNCERTAIN])
        if not waits.update(**values):
            return False
        audit.record(by, action, pk)
        changes.bump("texts")
    return True


def _attempt(row: TextMessage, line: Any) -> None:
    """Sends a claimed row. REST creates have no idempotency key: what may have left is never sent again by itself."""
    if reason := may_text(row.to, settings.CALL_COUNTRIES) or ("asked for no texts" if _opted_out([row.to]) else None):
        work.finish(row, WorkState.SUPPRESSED, reason)
        return
    heard_at = settings.PUBLIC_URL + reverse("text_status", args=[row.pk])
    try:
        sid = line.send_text(to=row.to, from_=row.sender, body=row.body, status_callback=heard_at)
    except TransportError as error:
        if error.uncertain:
            work.finish(row, WorkState.UNCERTAIN, str(error))
        elif error.permanent or row.attempts >= MOST_ATTEMPTS:
            log.warning("text %s failed: %s", row.pk, error)
            work.finish(row, WorkState.FAILED, str(error))
        else:
            work.put_back(row, work.pause_after(row.attempts), str(error))
    else:
        work.finish(row, WorkState.SENT, sid=sid)


def _opted_out(numbers: Collection[str]) -> set[str]:
    theirs = Identity.objects.filter(kind=Identity.Kind.PHONE, suppressed_at__isnull=False)
    if len(numbers) < 100:
        theirs = theirs.filter(value__in=list(numbers))
    return set(theirs.values_list("value", flat=True)) & set(numbers)


def _pumped(number: str) -> bool:
    since = timezone.now() - timedelta(hours=1)
    # What people decided to send in bulk has no cap: callers cannot cause it.
    alike = _live().filter(to__startswith=number[:-PREFIX_DIGITS], created_at__gte=since, problem__isnull=False)
    return alike.count() >= settings.TEXTS_PER_PREFIX
