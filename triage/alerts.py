"""Managers are told: the one door for whatever they should hear of. An alert is a row, and so is each who is told."""

import logging
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from tickets import changes
from triage.alerting import deliveries, routes
from triage.alerting.models import Alert
from triage.models import Surge

log = logging.getLogger(__name__)

# The same words again within this time, unanswered, are one thing said twice.
SAME = timedelta(minutes=10)


def notify(
    kind: str, subject: str, text: str, *, level: str = "page", surge: Surge | None = None, lasting: bool = False
) -> int:
    """Tells managers. Returns how many recipients will hear it: none where they know it already.

    `level`: "page" for what somebody has to look at now (acknowledged, else the second in line is told), "notice" for
    what is worth knowing. `lasting`: it is open until `end` or `close` is called for this kind, and nobody hears of the
    same kind again meanwhile; what belongs to a surge lasts. What does not last is told each time it is said.
    """
    now = timezone.now()
    lasting = lasting or surge is not None
    if not lasting and _said_already(kind, subject, text):
        return 0
    try:
        with transaction.atomic():
            alert = Alert.objects.create(
                kind=kind, level=level, lasting=lasting, subject=subject[:200], text=text, surge=surge, made_at=now
            )
            told = deliveries.queue(alert, routes.recipients(level, routes.FIRST), deliveries.TELL)
    except IntegrityError:
        if not is_open(kind):
            raise
        return 0
    log.warning("alert %s (%s): %s", kind, level, subject)
    return told


def end(kind: str, subject: str, text: str) -> int:
    """Tells everybody who heard of a lasting kind that it is over, once. Returns how many."""
    with transaction.atomic():
        told = _close(kind)
        if not told:
            return 0
        newest = told[-1]
        newest.end_subject, newest.end_text = subject[:200], text
        newest.save(update_fields=["end_subject", "end_text"])
        Alert.objects.filter(pk__in=[alert.pk for alert in told]).update(end_told_at=timezone.now())
        return deliveries.queue(newest, deliveries.told(told), deliveries.END)


def close(kind: str) -> bool:
    """Ends a lasting kind without a word. True when it was open."""
    with transaction.atomic():
        return bool(_close(kind))


def is_open(kind: str) -> bool:
    """Whether managers were told of this lasting kind and not of its end."""
    return Alert.objects.filter(kind=kind, lasting=True, ended_at=None).exists()


def _close(kind: str) -> list[Alert]:
    """Ends the open alert of a kind. Returns it last, after those before it whose end was never told."""
    if not Alert.objects.filter(kind=kind, lasting=True, ended_at=None).update(ended_at=timezone.now()):
        return []
    untold = list(Alert.objects.filter(kind=kind, lasting=True, end_told_at=None).order_by("pk"))
    deliveries.withdraw(untold, "it was over before")
    changes.bump("alerts")
    return untold


def _said_already(kind: str, subject: str, text: str) -> bool:
    same = Alert.objects.filter(kind=kind, subject=subject[:200], text=text, acknowledged_at=None)
    return same.filter(made_at__gte=timezone.now() - SAME).exists()
