"""Quiet notices as rows: a series that may be leaving its rhythm, which managers may read of; nobody is paged."""

from collections.abc import Collection, Iterable
from datetime import datetime

from tickets import changes
from triage.models import Surge
from triage.surge import counts, surges
from triage.surge.detector import Detector, time_of
from triage.surge.excursions import Episode
from triage.surge.series import pages


def follow(followers: Iterable[tuple[str, Detector]], now: datetime, known: Collection[str]) -> None:
    """Keeps, or ends, the notices of (series, detector) that went on and page, by where their detectors stand.

    A page is none any more: its row is the same one, and `surges.keep` raised it. `known`: the series with an open one,
    so that nothing is asked of those that are quiet.
    """
    standing = [(series, one) for series, one in followers if one.episode is None and pages(series)]
    surges.keep([seen for series, one in standing if (seen := _sighting(series, one))], now)
    for series, detector in standing:
        if not detector.noticed and series in known and detector.minute is not None:
            _end(series, _seen(detector.minute))


def _sighting(series: str, detector: Detector) -> surges.Sighting | None:
    """As an episode that is none yet: what the strongest excursion says of it."""
    strongest = max(detector.excursions, key=lambda one: one.n - one.m)
    if not detector.noticed or detector.minute is None or not strongest.t:
        return None
    began = Episode(strongest.began, detector.minute, int(strongest.n), strongest.m, detector.ratio())
    return surges.Sighting(series, began, _seen(detector.minute), Surge.Level.NOTICE)


def _seen(minute: int) -> datetime:
    return time_of(minute) + counts.MINUTE


def _end(series: str, at: datetime) -> None:
    if Surge.objects.filter(series=series, level=Surge.Level.NOTICE, ended_at=None).update(ended_at=at):
        changes.bump("surge")


def on() -> set[str]:
    """The series whose notice is open."""
    return set(Surge.objects.filter(level=Surge.Level.NOTICE, ended_at=None).values_list("series", flat=True))
