"""What managers say of surges: this is not one, this is one, it is over; the detector hears it at its minute."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from tickets import audit, changes
from triage.alerting import acknowledging
from triage.models import MinuteCount, SeriesState, Surge, SurgeWord
from triage.surge import counts
from triage.surge.baseline import minute_of
from triage.surge.detector import Detector

DISMISS, DECLARE = SurgeWord.Word.DISMISS, SurgeWord.Word.DECLARE


class Refused(Exception):
    """It cannot be said; the message says why, for people."""


def dismiss(surge: Surge, by: User) -> None:
    """This is not a surge: no page is amber for it, nobody is told of it unless it doubles, and it is learned from."""
    with transaction.atomic():
        rows = Surge.objects.filter(pk=surge.pk, dismissed_at=None)
        if rows.update(dismissed_at=timezone.now(), dismissed_by=by, told_peak=surge.peak_ratio):
            _write(surge, DISMISS)
            # Who judges a surge is on it: nobody else is woken.
            acknowledging.acknowledge_surge(surge.pk, by)
            audit.record(by, "surge.dismiss", surge.pk)
            changes.bump("surge")


def take_back(surge: Surge, by: User) -> None:
    """Undoes a dismissal: where it is still on, the detector takes it for a surge from its beginning."""
    with transaction.atomic():
        rows = Surge.objects.filter(pk=surge.pk).exclude(dismissed_at=None)
        if rows.update(dismissed_at=None, dismissed_by=None):
            if surge.ended_at is None:
                _write(surge, DECLARE)
            audit.record(by, "surge.take_back", surge.pk)
            changes.bump("surge")


def declare(series: str, began: datetime, by: User, why: str = "", *, tell: bool = True) -> Surge:
    """This is one, since `began`. Refused where one is on, or where `began` is no time that can be.

    Its figures are a first reckoning; the detector, which follows it from its next minute on, keeps them. Without
    `tell` nobody hears of its beginning or its end.
    """
    now, began = timezone.now(), counts.floor(began)
    if began > now:
        raise Refused("This is in the future.")
    with transaction.atomic():
        _make_room(series, began)
        total, expected = _reckoned(series, began, now)
        surge = Surge(series=series, began_at=began, detected_at=now, total=total, expected=round(expected, 2))
        surge.senders, surge.senders_at, surge.seen_at = counts.distinct_senders(began, now, series), total, now
        surge.peak_ratio = round(total / max(expected, 0.25), 1)
        surge.declared_at, surge.declared_by, surge.declared_why = now, by, why
        if not tell:
            surge.told_level, surge.alerted_at, surge.told_peak = Surge.Level.PAGE, now, surge.peak_ratio
        surge.save()
        _write(surge, DECLARE)
        audit.record(by, "surge.declare", surge.pk, series=series, since=began.isoformat(), why=why)
        changes.bump("surge")
    return surge


def end(surge: Surge, by: User) -> None:
    """A surge that was declared is over: who said that it is one may say so before the detector does.

    To the detector this is a dismissal: what comes from now on is ordinary.
    """
    now = timezone.now()
    with transaction.atomic():
        if Surge.objects.filter(pk=surge.pk, ended_at=None).exclude(declared_at=None).update(ended_at=now):
            _write(surge, DISMISS)
            audit.record(by, "surge.end", surge.pk)
            changes.bump("surge")


def _make_room(series: str, began: datetime) -> None:
    """One surge of a series is on at a time. A notice or a dismissed one makes way for what a manager says."""
    on = Surge.objects.select_for_update().filter(series=series, ended_at=None).first()
    if on is None:
        return
    if on.dismissed_at is None and on.level == Surge.Level.PAGE:
        raise Refused("A surge is on here already.")
    Surge.objects.filter(pk=on.pk).update(ended_at=max(began, on.began_at))


def _reckoned(series: str, began: datetime, now: datetime) -> tuple[int, float]:
    """People since then, and how many the present rate leads to expect."""
    rows = MinuteCount.objects.filter(series=series, minute__gte=began, minute__lte=now)
    rate = SeriesState.objects.filter(series=series).values_list("expected", flat=True).first() or 0.0
    return rows.aggregate(n=Sum("senders"))["n"] or 0, rate * max((now - began).total_seconds() / 60, 1)


def _write(surge: Surge, word: str) -> None:
    """For the surge and its parts that are on: what is no surge in all is none on the telephone."""
    now = timezone.now()
    parts = [surge, *surge.children.filter(ended_at=None)] if word == DISMISS else [surge]
    SurgeWord.objects.bulk_create(
        SurgeWord(surge=one, series=one.series, word=word, at=now, began_at=one.began_at) for one in parts
    )


def said(since: datetime) -> Mapping[str, Sequence[SurgeWord]]:
    """All that was said since then, by series, in order: one query, and few rows."""
    found: dict[str, list[SurgeWord]] = defaultdict(list)
    for word in SurgeWord.objects.filter(at__gte=since).order_by("at", "pk"):
        found[word.series].append(word)
    return found


def heed(detector: Detector, words: Sequence[SurgeWord], at: datetime) -> None:
    """Lets the detector hear what was said in the minute that it sees next.

    By the minute and not once: a state that is replayed from an hour ago hears it again.
    """
    for word in words:
        if counts.floor(word.at) != at:
            continue
        if word.word == DISMISS:
            detector.dismiss(minute_of(at))
        else:
            detector.declare(minute_of(word.began_at), minute_of(at))
