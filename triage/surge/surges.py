"""Surges as rows: what the detector found is kept once, children below their parent, and managers are told once."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from tickets import audit, changes
from triage import alerts
from triage.models import SeriesState, Surge
from triage.surge import counts
from triage.surge.detector import time_of
from triage.surge.excursions import Episode
from triage.surge.series import ALL, name_of, pages

# Only the present is worth a page: what is found in older minutes is noted.
PRESENT = timedelta(minutes=10)
# Different people are counted anew when the total has grown by this share (always while it is small).
GROWN = 1.05
SMALL = 2000
FAR = datetime.max.replace(tzinfo=UTC)


def keep(series: str, episode: Episode, seen: datetime, now: datetime) -> Surge:
    """Keeps an episode, seen up to `seen`, as the one row that it is: new, going on, ended or replayed."""
    began = time_of(episode.began)
    ended = time_of(episode.ended) if episode.ended is not None else None
    values = {
        "began_at": began,
        "ended_at": ended,
        "peak_ratio": round(episode.peak, 1),
        "total": episode.last_total if ended else episode.total,
        "expected": round(episode.last_expected if ended else episode.expected, 2),
    }
    with transaction.atomic():
        surge = _overlapping(series, began, ended).select_for_update().first()
        if surge is None:
            known = time_of(episode.detected + 1)
            surge = Surge(series=series, detected_at=now if now - known < PRESENT else known)
        for name, value in values.items():
            setattr(surge, name, value)
        _count_senders(surge, seen)
        surge.save()
        _fold(surge)
    changes.bump("surge")
    return surge


def close_unconfirmed(surge: Surge, now: datetime) -> None:
    """Ends a surge that was opened at a glance and that the complete minutes did not bear out."""
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
        children.update(parent=surge)
    elif surge.parent_id is None:
        surge.parent = _overlapping(ALL, surge.began_at, surge.ended_at).first()
        surge.save(update_fields=["parent"])


def tell(now: datetime) -> int:
    """Tells managers of surges that began and ended, each once. Returns how many were told of."""
    told = 0
    began = Surge.objects.filter(alerted_at=None, ended_at=None, parent=None, dismissed_at=None)
    for surge in began.filter(detected_at__gte=now - PRESENT):
        if pages(surge.series):
            told += _tell_once(surge, "alerted_at", "surge_began", now)
    for surge in Surge.objects.filter(end_alerted_at=None, dismissed_at=None).exclude(alerted_at=None):
        if surge.ended_at is not None:
            told += _tell_once(surge, "end_alerted_at", "surge_ended", now)
    return told


def _tell_once(surge: Surge, mark: str, template: str, now: datetime) -> int:
    """The mark and the mails are one transaction, so that neither a crash nor a second watch doubles them."""
    facts = explanation(surge)
    subject, _, text = render_to_string(f"triage/alerts/{template}.txt", facts).partition("\n")
    with transaction.atomic():
        if not Surge.objects.filter(pk=surge.pk, **{f"{mark}__isnull": True}).update(**{mark: now}):
            return 0
        alerts.notify(f"{template}:{surge.pk}", subject.strip(), text.strip() + "\n")
    return 1


def explanation(surge: Surge) -> dict[str, object]:
    """What an alert says: expected and now, since when, by channel, how many people, where to look."""
    states = {state.series: state for state in SeriesState.objects.defer("state", "snapshots")}
    whole = states.get(surge.series)
    parts = [(name_of(one), state.ratio) for one, state in sorted(states.items()) if one.startswith("medium:")]
    minutes = max(((surge.ended_at or timezone.now()) - surge.began_at).total_seconds() / 60, 1)
    return {
        "organisation": settings.ORGANISATION,
        "surge": surge,
        "name": name_of(surge.series),
        "ratio": whole.ratio if whole and not surge.ended_at else surge.total / max(surge.expected, 0.25),
        "expected_an_hour": surge.expected / minutes * 60,
        "now_an_hour": surge.total / minutes * 60,
        "parts": parts if surge.series == ALL and not surge.ended_at else [],
        "link": settings.PUBLIC_URL + reverse("surge", args=[surge.pk]),
        "enter": settings.PUBLIC_URL + reverse("incident_enter"),
    }


def dismiss(surge: Surge, by: User) -> None:
    """A manager says that this is not a surge: nobody is told of it any more, no page is amber for it."""
    with transaction.atomic():
        if Surge.objects.filter(pk=surge.pk, dismissed_at=None).update(dismissed_at=timezone.now(), dismissed_by=by):
            audit.record(by, "surge.dismiss", surge.pk)
            changes.bump("surge")


def take_back(surge: Surge, by: User) -> None:
    """Undoes a dismissal."""
    with transaction.atomic():
        if Surge.objects.filter(pk=surge.pk).exclude(dismissed_at=None).update(dismissed_at=None, dismissed_by=None):
            audit.record(by, "surge.take_back", surge.pk)
            changes.bump("surge")
