"""Says minute by minute whether a series has left its rhythm: one small object per series, pure Python, causal.

For each of a few multiples k a Poisson CUSUM (Page 1954), S += x ln k − (k − 1) m, marks excursions: it leaves zero
when more arrives than k explains and forgets when it returns. An excursion is then judged as a whole: the
log-likelihood ratio of a negative binomial for N arrivals against M expected, with its largest minute left out (a
batch, a catch-up after a gap, one clump never pages), with a dispersion that shrinks with its length, divided by how
much arrivals clump. The largest over k is the score; a surge starts at the threshold, which quiet weeks may raise.
"""

import math
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from triage.surge.baseline import EPOCH, QUARTER, SILENCE, SILENCE_MOST, Baseline, Cell, minute_of
from triage.surge.excursions import MULTIPLES, Episode, Excursion

THRESHOLD = 12.5
# How far above the usual daily maximum (80th percentile of so many days) a surge has to be.
DAYS_REMEMBERED = 28
ABOVE_USUAL = 1.5
# A glance at minutes that are not complete needs this much more, and a steep rise.
GLANCE = 1.5
STEEP = (2, 3)
# An end needs so many calm minutes, each looking back over the surge's own length within these bounds.
CALM = 15
LOOK_BACK = (10, 30)
# Minutes after an end in which a start goes on with the same surge.
RESUME = 180
# Minutes after which the baseline learns even during a surge.
FROZEN_MOST = 7 * 1440
# Expected arrivals below which a ratio says nothing.
LEAST_EXPECTED = 0.25


@dataclass(frozen=True, slots=True)
class Reading:
    """What one minute says. `event` is "start", "resume", "end" or empty; `silent`: the feed seems to be cut."""

    minute: datetime
    count: int
    expected: float
    score: float
    threshold: float
    event: str = ""
    silent: bool = False


@dataclass(slots=True)
class Detector:
    """The detector of one series. Feed it every minute in order, `save` it, `load` it and go on.

    `ceiling`: until an hour of this kind of day has been seen, more than so many arrivals in 15 minutes are a surge.
    `caution`: added to the threshold where many series are watched (the logarithm of their number).
    """

    zone: tzinfo
    ceiling: float = 300.0
    caution: float = 0.0
    baseline: Baseline = field(default_factory=Baseline)
    minute: int | None = None
    excursions: list[Excursion] = field(default_factory=lambda: [Excursion() for _ in MULTIPLES])
    window: list[list[float]] = field(default_factory=list)
    quarter: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    five: list[float] = field(default_factory=lambda: [0.0, 0.0])
    maxima: list[float] = field(default_factory=list)
    today: float = 0.0
    quiet: list[float] = field(default_factory=lambda: [0.0, 0.0])
    episode: Episode | None = None
    resting: Episode | None = None
    # The usual daily maximum, worked out once a day.
    _usual: float | None = None
    _quarter_at: int = -1
    _cell: Cell | None = None
    _rates: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def step(self, at: datetime, count: int | None) -> Reading:
        """Takes the next minute. None: nothing is known of it (no heartbeat); it is neither judged nor learned."""
        minute = minute_of(at)
        if self.minute is not None and minute <= self.minute:
            raise ValueError(f"{at} is not after the minute seen last")
        self._turn(minute)
        self.minute = minute
        m = self._expected(minute)
        if count is None:
            return Reading(at, 0, m, 0.0, self.threshold)
        self._see(count, m)
        event, score = self._judge(minute, count, m)
        self._gather(minute, count, m)
        return Reading(at, count, m, score, self.threshold, event, self._is_silent())

    def glance(self, minutes: list[tuple[datetime, int, float]]) -> Episode | None:
        """The surge that minutes after the last one show, though they may not be complete: (minute, count, share gone).

        Changes nothing. Only a steep rise far above the threshold counts, so that a second look costs no false alarm.
        """
        if self.episode or self.minute is None or not minutes:
            return None
        tracks = [Excursion(**asdict(self.excursions[which])) for which in STEEP]
        for at, count, share in minutes:
            cell = Cell.at(minute_of(at), self.zone)
            if not self.baseline.knows(minute_of(at), cell):
                return None
            m = self.baseline.rate(minute_of(at), cell) * self.baseline.level() * share
            for track, which in zip(tracks, STEEP, strict=True):
                track.add(minute_of(at), count, m, which)
            phi, doubt = self.baseline.dispersion(), self.baseline.doubt(minute_of(at), cell)
        for track in reversed(tracks):
            if track.score(phi, doubt, self.baseline.clumping()) >= GLANCE * self.threshold:
                ratio = track.n / max(track.m, LEAST_EXPECTED)
                return Episode(track.began, minute_of(minutes[-1][0]), int(track.n), track.m, ratio)
        return None

    @property
    def threshold(self) -> float:
        """The score at which a surge starts."""
        if self._usual is None:
            days = sorted(self.maxima)
            self._usual = days[min(int(0.8 * len(days)), len(days) - 1)] if days else 0.0
        return max(THRESHOLD, ABOVE_USUAL * self._usual) + self.caution

    def ratio(self, minutes: int = 10) -> float:
        """Times normal over the last minutes, at most as many as the surge is old."""
        if self.episode and self.minute is not None:
            minutes = min(minutes, max(self.minute - self.episode.began + 1, 2))
        seen = self.window[-minutes:]
        return sum(x for x, _ in seen) / max(sum(m for _, m in seen), LEAST_EXPECTED) if seen else 0.0

    def expect(self, start: datetime, step: int, number: int) -> list[tuple[float, float, float]]:
        """Expected arrivals and the band around them, of `number` stretches of `step` minutes from `start`."""
        first, level = minute_of(start), self.baseline.level()
        rates: dict[int, tuple[float, float]] = {}
        found = []
        for at in range(first, first + step * number, step):
            m = 0.0
            for minute in range(at, at + step, min(step, QUARTER)):
                quarter = minute - minute % QUARTER
                if quarter not in rates:
                    cell = Cell.at(quarter, self.zone)
                    rates[quarter] = (self.baseline.rate(quarter, cell) * level, self.baseline.doubt(quarter, cell))
                m += rates[quarter][0] * min(step, QUARTER)
            found.append((m, *self.band(m, rates[quarter][1])))
        return found

    def band(self, expected: float, doubt: float = 0.0) -> tuple[float, float]:
        """What an ordinary stretch with this many expected arrivals keeps to."""
        width = 3 * math.sqrt(expected + (self.baseline.dispersion() + doubt / 2) * expected**2)
        return max(expected - width, 0.0), expected + width

    def correct(self, at: datetime, count: float) -> None:
        """Teaches the baseline arrivals that became known long after their minute was seen."""
        self.baseline.add(minute_of(at), Cell.at(minute_of(at), self.zone), count)

    def _turn(self, minute: int) -> None:
        """Enters a new quarter: learns the one that ended and prepares what is expected."""
        start = minute - minute % QUARTER
        if start == self._quarter_at:
            return
        if self.minute is not None and self.minute < start:
            self._learn()
            if start // 1440 != self.minute // 1440:
                self.maxima = [*self.maxima, round(self.today, 2)][-DAYS_REMEMBERED:]
                self.today, self._usual = 0.0, None
        self._quarter_at = start
        self._cell = Cell.at(start, self.zone)
        around = (start - QUARTER, start, start + QUARTER)
        before, now, after = (self.baseline.rate(start, Cell.at(one, self.zone)) for one in around)
        self._rates = (before, now, after, self.baseline.level())

    def _learn(self) -> None:
        count, minutes, expected = self.quarter
        self.quarter = [0.0, 0.0, 0.0]
        if not minutes or self._is_frozen():
            return
        # A feed that is cut must not teach that nobody calls; one that stays silent for days may.
        if not count and self._is_silent():
            return
        assert self.minute is not None
        start = self.minute - self.minute % QUARTER
        self.baseline.learn(start, Cell.at(start, self.zone), count, minutes, expected)

    def _is_silent(self) -> bool:
        """Nothing came where much was expected, at an hour of which is known what is normal."""
        if self.minute is None or self._cell is None or not self.baseline.knows(self.minute, self._cell):
            return False
        return self.quiet[0] > SILENCE and self.quiet[1] < SILENCE_MOST

    def _is_frozen(self) -> bool:
        """A surge teaches nothing, unless it lasts for a week or nobody knows yet what is normal at this hour."""
        if self.episode is None or self.minute is None or self._cell is None:
            return False
        return self.minute - self.episode.began < FROZEN_MOST and self.baseline.knows(self.minute, self._cell)

    def _expected(self, minute: int) -> float:
        """The larger of the cell and the straight line between cells, times the trend: sharp edges do not page."""
        before, now, after, level = self._rates
        at = minute % QUARTER + 0.5 - QUARTER / 2
        other = before if at < 0 else after
        return max(now, now + (other - now) * abs(at) / QUARTER) * level

    def _see(self, count: int, m: float) -> None:
        self.window.append([count, round(m, 5)])
        del self.window[: -LOOK_BACK[1]]
        self.quiet = [0.0, 0.0] if count else [self.quiet[0] + m, self.quiet[1] + 1]

    def _judge(self, minute: int, count: int, m: float) -> tuple[str, float]:
        assert self._cell is not None
        if self.episode:
            return self._follow(self.episode, minute, count, m), 0.0
        if self.resting:
            self.resting.add(minute, count, m)
            if minute - (self.resting.ended or 0) > RESUME:
                self.resting = None
        if not self.baseline.knows(minute, self._cell):
            # What looks like an excursion of something not yet known is ignorance.
            self.excursions = [Excursion() for _ in MULTIPLES]
            return self._judge_by_ceiling(minute), 0.0
        phi, clumping = self.baseline.dispersion(), self.baseline.clumping()
        doubt = self.baseline.doubt(minute, self._cell)
        scores = []
        for which, excursion in enumerate(self.excursions):
            excursion.add(minute, count, m, which)
            scores.append(excursion.score(phi, doubt, clumping) if excursion.t > 1 else 0.0)
        score = max(scores)
        if score < self.threshold:
            self.today = max(self.today, score)
            return "", score
        # The steepest that suffices knows best when it began.
        steepest = max(which for which, found in enumerate(scores) if found >= self.threshold)
        found = self.excursions[steepest]
        return self._start(found.began, minute, int(found.n), found.m), score

    def _judge_by_ceiling(self, minute: int) -> str:
        recent = self.window[-QUARTER:]
        total = sum(x for x, _ in recent)
        if total <= self.ceiling:
            return ""
        return self._start(minute - len(recent) + 1, minute, int(total), sum(m for _, m in recent))

    def _start(self, began: int, minute: int, total: int, expected: float) -> str:
        self.excursions = [Excursion() for _ in MULTIPLES]
        self.quarter = [0.0, 0.0, 0.0]
        if self.resting:
            self.episode, self.resting = self.resting, None
            self.episode.ended, self.episode.calm = None, 0
            self._note_peak(self.episode, minute)
            return "resume"
        self.episode = Episode(began, minute, total, expected)
        self.episode.gain = self.episode.best_gain = total - 1.5 * expected
        self.episode.last, self.episode.last_total, self.episode.last_expected = minute, total, expected
        self._note_peak(self.episode, minute)
        return "start"

    def _follow(self, episode: Episode, minute: int, count: int, m: float) -> str:
        episode.add(minute, count, m)
        self._note_peak(episode, minute)
        look = min(max(episode.last - episode.began, LOOK_BACK[0]), LOOK_BACK[1])
        seen = self.window[-look:]
        n, expected = sum(x for x, _ in seen), sum(e for _, e in seen)
        episode.calm = episode.calm + 1 if n < 1.5 * expected + 3 * math.sqrt(expected) + 1 else 0
        if episode.calm < CALM:
            return ""
        episode.ended = episode.last + 1
        self.episode, self.resting = None, episode
        return "end"

    def _note_peak(self, episode: Episode, minute: int) -> None:
        seen = self.window[-min(max(minute - episode.began + 1, 2), LOOK_BACK[1]) :]
        ratio = sum(x for x, _ in seen) / max(sum(m for _, m in seen), LEAST_EXPECTED)
        episode.peak = max(episode.peak, ratio)

    def _gather(self, minute: int, count: int, m: float) -> None:
        if self._is_frozen():
            return
        self.quarter = [self.quarter[0] + count, self.quarter[1] + 1, self.quarter[2] + m]
        self.five = [self.five[0] + count, self.five[1] + m]
        if minute % 5 == 4:
            self.baseline.learn_clump(self.five[0], self.five[1])
            self.five = [0.0, 0.0]

    def save(self) -> dict[str, Any]:
        """The whole state as JSON; settings (zone, ceiling, caution) are not part of it."""
        return {
            "minute": self.minute,
            "baseline": self.baseline.save(),
            "excursions": [asdict(excursion) for excursion in self.excursions],
            "window": self.window,
            "quarter": self.quarter,
            "five": self.five,
            "maxima": self.maxima,
            "today": self.today,
            "quiet": self.quiet,
            "episode": asdict(self.episode) if self.episode else None,
            "resting": asdict(self.resting) if self.resting else None,
        }

    @classmethod
    def load(cls, state: dict[str, Any], zone: tzinfo, *, ceiling: float = 300.0, caution: float = 0.0) -> "Detector":
        """The inverse of `save`."""
        known = {key: state[key] for key in ("minute", "window", "quarter", "five", "maxima", "today", "quiet")}
        detector = cls(zone, ceiling=ceiling, caution=caution, **known)
        detector.baseline = Baseline.load(state["baseline"])
        detector.excursions = [Excursion(**one) for one in state["excursions"]]
        detector.episode = Episode(**state["episode"]) if state["episode"] else None
        detector.resting = Episode(**state["resting"]) if state["resting"] else None
        return detector


def time_of(minute: int) -> datetime:
    """The inverse of `minute_of`."""
    return EPOCH + timedelta(minutes=minute)
