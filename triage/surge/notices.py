"""Quiet notices as rows: a series that may be leaving its rhythm, which managers may read of; nobody is paged."""

from collections.abc import Collection, Sequence
from datetime import datetime

from tickets import changes
from triage.models import Surge
from triage.surge import counts, surges
from triage.surge.detector import Detector, time_of
from triage.surge.excursions import Episode
from triage.surge.follower import Follower
from triage.surge.series import pages


def follow_all(followers: Sequence[Follower], now: datetime) -> None:
    """The notices of all series that went on, of those that page."""
    known = on()
    for follower in followers:
        if follower.detector.minute is not None:
            seen = time_of(follower.detector.minute) + counts.MINUTE
            follow(follower.series, follower.detector, seen, now, known)


def follow(series: str, detector: Detector, seen: datetime, now: datetime, known: Collection[str]) -> None:
    """Keeps, or ends, the notice of a series by where its detector stands after the minutes up to `seen`.

    `known`: the series with an open one, so that nothing is asked of those that are quiet. A page is none any more:
    its row is the same one, and `surges.keep` raised it.
    """
    if detector.episode is not None or not pages(series):
        return
    if detector.noticed:
        _keep(series, detector, seen, now)
    elif series in known:
        ended = Surge.objects.filter(series=series, level=Surge.Level.NOTICE, ended_at=None).update(ended_at=seen)
        if ended:
            changes.bump("surge")


def _keep(series: str, detector: Detector, seen: datetime, now: datetime) -> None:
    """As an episode that is none yet: what the strongest excursion says of it."""
    strongest = max(detector.excursions, key=lambda one: one.n - one.m)
    if detector.minute is None or not strongest.t:
        return
    began = Episode(strongest.began, detector.minute, int(strongest.n), strongest.m, detector.ratio())
    surges.keep(series, began, seen, now, Surge.Level.NOTICE)


def on() -> set[str]:
    """The series whose notice is open."""
    return set(Surge.objects.filter(level=Surge.Level.NOTICE, ended_at=None).values_list("series", flat=True))
