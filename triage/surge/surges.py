"""Surges as rows: what the detector found is kept once, children below their parent."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from tickets import changes
from triage.models import Surge
from triage.surge import counts
from triage.surge.detector import RESUME, time_of
from triage.surge.excursions import Episode
from triage.surge.series import ALL

# Only the present is worth a page: what is found in older minutes is noted.
PRESENT = timedelta(minutes=10)
# Different people are counted anew when the total has grown by this share (always while it is small).
GROWN = 1.05
SMALL = 2000
FAR = datetime.max.replace(tzinfo=UTC)


def keep(series: str, episode: Episode, seen: datetime, now: datetime, level: str = Surge.Level.PAGE) -> Surge:
    """Keeps an episode, seen up to `seen`, as the one row that it is: new, going on, ended or replayed.

    `level`: a notice that grows becomes a page; a page becomes no notice.
    """
    began = time_of(episode.began)
    ended = time_of(episode.ended) if episode.ended is not None else None
    values = {
        "began_at": began,
        "ended_at": ended,
        "peak_ratio": round(episode.peak, 1),
        "total": episode.last_total if ended else episode.total,
        "expected": round(episode.last_expected if ended else episode.expected, 2),
    }
    known = time_of(episode.detected + 1)
    detected = now if now - known < PRESENT else known
    with transaction.atomic():
        surge = _row_of(series, began, ended)
        if surge is None:
            surge = Surge(series=series, detected_at=detected, level=level)
        elif level == Surge.Level.PAGE and surge.level == Surge.Level.NOTICE:
            surge.level, surge.detected_at = level, detected
        for name, value in values.items():
            setattr(surge, name, value)
        _count_senders(surge, seen)
        surge.save()
        _fold(surge)
    changes.bump("surge")
    return surge


def _row_of(series: str, began: datetime, ended: datetime | None) -> Surge | None:
    """The row that an episode is, locked; what follows soon on one that a manager dismissed is the same thing again."""
    found = _overlapping(series, began, ended).select_for_update().first()
    if found is None and ended is None:
        soon = Q(ended_at__gte=began - timedelta(minutes=RESUME), ended_at__lte=began)
        dismissed = Surge.objects.select_for_update().filter(soon, series=series).exclude(dismissed_at=None)
        found = dismissed.order_by("-ended_at").first()
    return found


def close_unconfirmed(surge: Surge, now: datetime) -> None:
    """Ends a surge that was opened at a glance and that the complete minutes did not bear out, or that was dismissed.

    One that a manager declared stays until the detector, which has heard of it, or the manager ends it; notices have an
    end of their own.
    """
    if surge.level == Surge.Level.NOTICE or (surge.declared_at is not None and surge.dismissed_at is None):
        return
    if Surge.objects.filter(pk=surge.pk, ended_at=None).update(ended_at=now):
        changes.bump("surge")


def _overlapping(series: str, began: datetime, ended: datetime | None) -> QuerySet[Surge]:
    open_or_later = Q(ended_at=None) | Q(ended_at__gte=began)
    return Surge.objects.filter(open_or_later, series=series, began_at__lte=ended or FAR).order_by("-began_at")


def _count_senders(surge: Surge, seen: datetime) -> None:
    if surge.total > SMALL and surge.ended_at is None and surge.total < surge.senders_at * GROWN:
        return
    if surge.total != surge.senders_at:
        surge.senders = counts.distinct_senders(surge.began_at, surge.ended_at or seen, surge.series)
        surge.senders_at = surge.total


def _fold(surge: Surge) -> None:
    """A surge on one channel is part of the surge on all of them."""
    if surge.series == ALL:
        over = Q(ended_at=None) | Q(ended_at__gte=surge.began_at)
        children = Surge.objects.filter(over, parent=None, began_at__lte=surge.ended_at or FAR).exclude(series=ALL)
        # What is worth a page is no part of what is only worth a notice.
        children.filter(level__in=[Surge.Level.NOTICE, surge.level]).update(parent=surge)
    elif surge.parent_id is None:
        parents = _overlapping(ALL, surge.began_at, surge.ended_at)
        surge.parent = parents.filter(level__in=[Surge.Level.PAGE, surge.level]).first()
        surge.save(update_fields=["parent"])
