"""One series' detector on its way through the minutes. Where it stands follows from the counts alone, whoever feeds it.

The state after a minute is a function of the checkpoint before it, the counts since, the gaps and what was late; it is
saved at fixed minutes, and whoever saved goes on from what was saved. So a process that remembers its detectors, one
that has just started and one that replays come to the same state, digit for digit.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from django.conf import settings

from triage.models import SurgeWord
from triage.surge import verdicts
from triage.surge.baseline import minute_of
from triage.surge.detector import Detector, time_of
from triage.surge.excursions import Episode
from triage.surge.kept import LateCount
from triage.surge.series import pages

# Minutes between checkpoints, of series that page and of the many others; each has its own minutes for them, so that no
# tick saves all.
HOURLY, SELDOM = 60, 180
# What became known within so many minutes is replayed, later it only corrects the baseline.
REPLAYED = 120
# Checkpoints are kept for so many minutes: the oldest is older than whatever is replayed.
KEPT = REPLAYED + 2 * SELDOM
# So many minutes that changed at once, too old to be replayed, are a new history and no correction.
HISTORY = 240
# Without a heartbeat a minute is known all the same when so many people came within so many minutes up to it: whole
# stretches are judged by it and not the minute itself, or the quiet minutes of a gap alone would go missing.
ALIVE, LOOK_BACK = 10, 15

Gaps = Sequence[tuple[int, int]]


def place_of(series: str) -> int:
    """A number that spreads series over the minutes; always the same."""
    return crc32(series.encode())


def saves_at(series: str, minute: int) -> bool:
    """Whether a series' state is saved after this minute."""
    every = HOURLY if pages(series) else SELDOM
    return minute % every == place_of(series) % every


def detector_of(state: Mapping[str, Any], caution: float = 0.0) -> Detector:
    """The detector of a saved state; a new one where there is none."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    if not state:
        return Detector(zone, ceiling=settings.SURGE_CEILING, caution=caution)
    return Detector.load(dict(state), zone, ceiling=settings.SURGE_CEILING, caution=caution)


def caution_of(series: str, number: int) -> float:
    """How much more a series must show that is one of many and pages nobody by itself."""
    return 0.0 if pages(series) else round(log(max(number, 1)), 3)


def is_replayed(row: LateCount) -> bool:
    """Whether the state is replayed for it; what became known later than that is a correction."""
    return minute_of(row.known) - minute_of(row.minute) < REPLAYED


def history(rows: Sequence[LateCount]) -> int:
    """The last late count of a past that was written at once: all up to it were there from the beginning. 0: none."""
    groups: dict[datetime, list[int]] = {}
    for row in rows:
        if not is_replayed(row):
            groups.setdefault(row.known, []).append(row.pk)
    return max((max(pks) for pks in groups.values() if len(pks) >= HISTORY), default=0)


def usable(minute: int, late: int, rows: Sequence[LateCount]) -> bool:
    """Whether a state after `minute` that knows of late counts up to `late` can be gone on from.

    Not when something became known since that belongs into it: it is replayed from an earlier one, or, if much of a
    past before it was written at once, from the beginning.
    """
    new = [row for row in rows if row.pk > late and minute_of(row.minute) <= minute]
    return not any(is_replayed(row) for row in new) and not history(new)


@dataclass(frozen=True, slots=True)
class Saved:
    """A state after `minute`, as a checkpoint holds it: as JSON, for it is large and written out once."""

    minute: int
    state: str
    caution: float
    late: int


@dataclass(slots=True)
class Follower:
    """A detector, the counts that it needs next, and what it met since it was last asked."""

    series: str
    detector: Detector
    caution: float
    late: int = 0
    # People by minute: those to come, and some that were seen, to tell whether there is life in a gap.
    counts: dict[int, int] = field(default_factory=dict)
    # By the minute at which they became known: what came too late to be replayed and is to be learned yet.
    corrections: dict[int, list[LateCount]] = field(default_factory=dict)
    # What managers said of this series, in order: heard at its minute, and again by who replays.
    said: Sequence[SurgeWord] = ()
    episodes: list[Episode] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)
    # None: nothing is known of the last minute.
    silent: bool | None = None
    # Times normal in minutes that are not complete, where a glance has opened a surge that they are to bear out.
    glanced: float = 0.0
    # No row of its own yet.
    is_new: bool = False

    def correct(self, row: LateCount, *, learn: bool) -> None:
        """Takes what came too late to be replayed: it is no count of its minute, for nobody knew when that was judged.

        `learn`: the baseline learns it after the minute at which it became known.
        """
        at, known = minute_of(row.minute), minute_of(row.known)
        seen = self.detector.minute
        if seen is None or at > seen:
            self.counts[at] = self.counts.get(at, 0) - row.more
        if learn and (seen is None or seen <= known):
            self.corrections.setdefault(known, []).append(row)
            self._learn_late()

    def follow(self, upto: int, gaps: Gaps, number: int, most: int) -> int:
        """Goes on to `upto`, `most` minutes at the most. `number` series are watched. Returns the minutes it took."""
        first = self.detector.minute
        start = first + 1 if first is not None else min((at for at in self.counts if self.counts[at]), default=upto + 1)
        end = min(upto, start + most - 1)
        for minute in range(start, end + 1):
            self._step(minute, gaps)
            if minute > upto - KEPT and saves_at(self.series, minute):
                self._save(number)
            if self.corrections:
                self._learn_late()
        for minute in [one for one in self.counts if one <= end - LOOK_BACK]:
            del self.counts[minute]
        return max(end - start + 1, 0)

    def take(self) -> tuple[list[Episode], list[Saved]]:
        """Episodes that ended and states that were saved since the last time."""
        ended, saved = self.episodes, self.saved
        self.episodes, self.saved = [], []
        return ended, saved

    def _step(self, minute: int, gaps: Gaps) -> None:
        detector = self.detector
        if self.said:
            verdicts.heed(detector, self.said, time_of(minute))
        count = None if gaps and self._is_missing(minute, gaps) else self.counts.get(minute, 0)
        reading = detector.advance(minute, count)
        if reading.event == "end" and detector.resting:
            self.episodes.append(detector.resting)
        self.silent = None if count is None else reading.silent

    def _is_missing(self, minute: int, gaps: Gaps) -> bool:
        if not any(began <= minute < until for began, until in gaps):
            return False
        return sum(self.counts.get(one, 0) for one in range(minute - LOOK_BACK + 1, minute + 1)) < ALIVE

    def _learn_late(self) -> None:
        """After the checkpoint of that minute, if there is one: it was written before anybody knew."""
        for row in self.corrections.pop(self.detector.minute or 0, ()):
            self.detector.correct(row.minute, row.more)

    def _save(self, number: int) -> None:
        assert self.detector.minute is not None
        self.caution = caution_of(self.series, number)
        state = self.detector.save()
        waiting = [row.pk for rows in self.corrections.values() for row in rows]
        late = min(waiting) - 1 if waiting else self.late
        # JSON changes no digit: whoever reads it goes on from the same state.
        self.saved.append(Saved(self.detector.minute, json.dumps(state), self.caution, late))
        self.detector = detector_of(state, self.caution)
