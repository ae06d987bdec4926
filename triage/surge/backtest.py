"""The detector over one's own history, causally: counts in, episodes and scores out. No Django, no database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from triage.surge.detector import NOTICE, NOTICE_CALM, THRESHOLD, Detector
from triage.surge.excursions import Episode
from triage.surge.quarters import time_of
from triage.surge.reading import Reading


@dataclass(slots=True)
class Found:
    """One episode. `level`: notice or page. Times are minutes as of `minute_of`; `end` None: it is not over."""

    series: str
    level: str
    start: int
    detected: int
    end: int | None = None
    peak_ratio: float = 0.0
    excess: float = 0.0

    def as_json(self, zone: tzinfo) -> dict[str, Any]:
        return {
            "series": self.series,
            "start": _said(self.start, zone),
            "detected": _said(self.detected, zone),
            "end": None if self.end is None else _said(self.end, zone),
            "peak_ratio": round(self.peak_ratio, 2),
            "excess": round(self.excess, 1),
            "level": self.level,
        }


@dataclass(slots=True)
class History:
    """One series' counts by the first minute of their bin. `gaps`: nothing is known of a bin that is not there."""

    counts: dict[int, int]
    step: int = 1
    gaps: bool = False

    def minutes(self) -> Iterator[tuple[int, int | None]]:
        """Every minute from the first to the last. A bin is spread evenly over its minutes; None: it is missing."""
        counts, step, absent = self.counts, self.step, None if self.gaps else 0
        for start in range(min(counts), max(counts) + step, step):
            total = counts.get(start, absent)
            if step == 1:
                yield start, total
                continue
            for at in range(step):
                yield start + at, None if total is None else (at + 1) * total // step - at * total // step

    def __len__(self) -> int:
        return max(self.counts) + self.step - min(self.counts)


def run(
    name: str, history: History, zone: tzinfo, *, caution: float = 0.0, each: Sequence[Callable[[Reading], None]] = ()
) -> list[Found]:
    """The episodes of one series, in the order of their starts. Those in `each` see every minute's reading."""
    detector = Detector(zone, caution=caution)
    pages: list[Found] = []
    notices = _Notices(name)
    step = history.step
    for minute, count in history.minutes():
        reading = detector.advance(minute, count)
        for see in each:
            see(reading)
        if detector.episode is None and detector.resting is None:
            if reading.event or notices.open:
                notices.see(minute, _known_at(minute, step), reading, detector)
            continue
        if reading.event == "start" and detector.episode:
            pages.append(Found(name, "page", detector.episode.began, _known_at(minute, step)))
            notices.drop()
        elif reading.event == "resume":
            pages[-1].end = None
        if reading.event == "end" and detector.resting:
            _measure(pages[-1], detector.resting)
        elif detector.episode:
            _measure(pages[-1], detector.episode)
    return sorted([*pages, *notices.ended()], key=lambda found: (found.start, found.level))


def _known_at(minute: int, step: int) -> int:
    """What lies in a bin is known when the bin is over."""
    return minute - minute % step + step - 1


def _measure(found: Found, episode: Episode) -> None:
    found.peak_ratio = max(found.peak_ratio, episode.peak)
    found.end = episode.ended
    found.excess = (
        episode.last_total - episode.last_expected if episode.ended is not None else episode.total - episode.expected
    )


class _Notices:
    """Stretches in which the score says that somebody might look, but nobody is woken."""

    def __init__(self, series: str) -> None:
        self._series = series
        self._done: list[Found] = []
        self.open: Found | None = None
        self._calm = 0

    def see(self, minute: int, seen_at: int, reading: Reading, detector: Detector) -> None:
        if reading.event == "notice" and self.open is None:
            strongest = max(detector.excursions, key=lambda one: one.n - one.m)
            self.open = Found(self._series, "notice", strongest.began or minute, seen_at)
            self.open.excess = strongest.n - strongest.m
        if self.open is None:
            return
        self._calm = self._calm + 1 if reading.score < NOTICE / THRESHOLD * reading.threshold / 2 else 0
        self.open.peak_ratio = max(self.open.peak_ratio, detector.ratio())
        self.open.excess = max(self.open.excess, max(one.n - one.m for one in detector.excursions))
        if self._calm >= NOTICE_CALM:
            self.open.end = minute - self._calm + 1
            self._done.append(self.open)
            self.open, self._calm = None, 0

    def drop(self) -> None:
        """It became a page."""
        self.open, self._calm = None, 0

    def ended(self) -> list[Found]:
        return [*self._done, *([self.open] if self.open else [])]


def summary(found: list[Found], histories: Mapping[str, History], seconds: float) -> dict[str, Any]:
    """How much was looked at, what was found, and how long it took.

    `scores`: what a notice and a page take at least; restless weeks raise both (`Detector.threshold`), and so do many
    series beside one another.
    """
    hours = sum(map(len, histories.values())) / 60
    return {
        "summary": True,
        "series": len(histories),
        "series_hours": round(hours, 1),
        "arrivals": sum(sum(one.counts.values()) for one in histories.values()),
        "pages": sum(one.level == "page" for one in found),
        "notices": sum(one.level == "notice" for one in found),
        "scores": {"notice": NOTICE, "page": THRESHOLD},
        "pages_per_series_year": round(sum(one.level == "page" for one in found) / max(hours / 8766, 1e-9), 2),
        "seconds": round(seconds, 2),
    }


def _said(minute: int, zone: tzinfo) -> str:
    return time_of(minute).astimezone(zone).isoformat()
