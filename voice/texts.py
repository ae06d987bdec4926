"""Text messages that we send: rows, queued once, sent by workers, decided by a person where nobody knows."""

import logging
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from tickets import audit, changes, nudge, rates, work
from tickets.models import Entry, Identity, Problem, Ticket, WorkState
from tickets.work import TransportError
from voice.models import Line, TextMessage
from voice.numbers import may_text
from voice.twilio_client import NoTelephone, telephone
from voice.words import sentence

log = logging.getLogger(__name__)

SEND = "voice.tasks.send_texts"
# Texts a second over all processes (a long code sends one segment a second), and seconds that one waits for its turn.
PER_SECOND, PATIENCE = 1.0, 5.0
# Links sent to numbers that differ in their last four digits only, in an hour: caller IDs are forged to pump texts.
PREFIX_DIGITS, PER_PREFIX = 4, 20
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
    if may_text(to, settings.CALL_COUNTRIES) or _opted_out(to):
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
    wait = rates.take("texts", PER_SECOND, patience=PATIENCE)
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
    ids = work.due_ids(TextMessage.objects.all(), SWEEP)
    for pk in ids:
        nudge.send(SEND, [pk], queue="live")
    if uncertain:
        changes.bump("texts")
    return len(uncertain) + len(ids)


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
    if reason := may_text(row.to, settings.CALL_COUNTRIES) or ("asked for no texts" if _opted_out(row.to) else None):
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


def _opted_out(number: str) -> bool:
    return Identity.objects.filter(kind=Identity.Kind.PHONE, value=number, suppressed_at__isnull=False).exists()


def _pumped(number: str) -> bool:
    since = timezone.now() - timedelta(hours=1)
    alike = TextMessage.objects.filter(
        to__startswith=number[:-PREFIX_DIGITS], created_at__gte=since, problem__isnull=False
    )
    return alike.count() >= PER_PREFIX
