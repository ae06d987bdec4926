"""When nobody answers a page, the second in line is told, once; when it reached nobody at all, at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tickets.models import WorkState
from triage.alerting import deliveries, routes
from triage.alerting.models import Alert

# A page that is older has been overtaken by events: a watch that was away for a day does not wake people for it.
STALE = timedelta(hours=12)
# Deliveries that reached nobody for certain, or for all we know.
MISSED = frozenset({WorkState.FAILED, WorkState.SUPPRESSED, WorkState.UNCERTAIN})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a page stands. `outcomes`: the states of what the first in line were sent."""

    made_at: datetime
    acknowledged: bool = False
    ended: bool = False
    escalated: bool = False
    outcomes: Sequence[str] = ()


def escalates(page: Standing, now: datetime, patience: timedelta) -> bool:
    """Pure: whether the second in line is told now."""
    if page.acknowledged or page.ended or page.escalated or now - page.made_at > STALE:
        return False
    reached_nobody = all(outcome in MISSED for outcome in page.outcomes)
    return reached_nobody or now - page.made_at >= patience


def look(now: datetime | None = None) -> int:
    """Tells the second in line of every page that needs it. Returns how many pages did."""
    now = now or timezone.now()
    waiting = Alert.objects.filter(
        level=Alert.Level.PAGE, acknowledged_at=None, ended_at=None, escalated_at=None, made_at__gte=now - STALE
    )
    patience = timedelta(minutes=settings.ALERT_SECOND_MINUTES)
    return sum(
        _escalate(alert, now)
        for alert in waiting.prefetch_related("deliveries__outgoing").order_by("pk")[:50]
        if escalates(_standing(alert), now, patience)
    )


def _standing(alert: Alert) -> Standing:
    outcomes = [row.outcome for row in alert.deliveries.all()]
    return Standing(alert.made_at, outcomes=outcomes)


def _escalate(alert: Alert, now: datetime) -> bool:
    """The mark and the rows are one transaction; who acknowledged at this moment has won.

    Where there is no second in line and the first were not the managers, each manager gets a mail: a page that nobody
    answered is not left at that.
    """
    second = routes.recipients(Alert.Level.PAGE, routes.SECOND) or routes.managers(routes.SECOND)
    with transaction.atomic():
        waits = Alert.objects.filter(pk=alert.pk, acknowledged_at=None, ended_at=None, escalated_at=None)
        if not waits.update(escalated_at=now):
            return False
        deliveries.queue(alert, second, deliveries.TELL)
    return True
