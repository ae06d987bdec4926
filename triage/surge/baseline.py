"""What is normal: expected arrivals a minute for every quarter hour of the week, learned, decayed and shrunk.

Pairs (count, minutes seen) are kept at five levels: quarter of the week, hour of the week, day type and hour, hour of
the day, overall. Each level is shrunk toward the next coarser one as a gamma-Poisson mean with K minutes of prior
(empirical Bayes: Robbins 1956; Efron and Morris 1973): rate = (count + K × coarser rate) / (minutes + K). All decay
with a half-life, so that the newest weeks count most. No Django; times are aware datetimes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from typing import Any

from triage.surge.cells import KINDS, Cells, short
from triage.surge.outlook import EDGE, QUARTER, Outlook
from triage.surge.quarters import Cell, Minutes, Pair, differ
from triage.surge.quarters import minute_of as minute_of  # the minutes that a baseline counts in

# Minutes after which a count weighs half: six weeks, and two for the overall rate.
HALF_LIFE = 42 * 1440
HALF_LIFE_OVERALL = 14 * 1440
# Minutes after which the trend's evidence weighs half, its prior in arrivals and in minutes at the usual rate (it is
# most of what days do by chance), and its bounds.
HALF_LIFE_TREND = 72 * 60
TREND_PRIOR = 20.0
TREND_PRIOR_MINUTES = 6 * 1440
TREND_BOUNDS = (0.8, 1.5)
# The trend is judged by blocks of so many expected arrivals, or a day. A block far below what is expected is a holiday
# and says nothing of the days after it; one far above says no more than the bound.
TREND_BLOCK = 40.0
TREND_CREDIBLE = (0.6, 1.5)
# Dispersion of the negative binomial: bounds, prior, and the prior's weight in squared arrivals.
PHI_BOUNDS = (0.01, 1.0)
PHI_PRIOR = 0.03
PHI_WEIGHT = 400.0
# Clumps: bounds and the prior's weight in arrivals.
CLUMP_BOUNDS = (1.0, 6.0)
CLUMP_WEIGHT = 60.0
# Arrivals expected during a silence after which it is taken for a gap of the feed, and minutes after which it is not.
SILENCE = 20.0
SILENCE_MOST = 2 * 1440
# At the present rate as many minutes would have brought more than this, or it is the hour that is quiet.
STILL_EXPECTED = 5.0
# A day type and hour is known from this many minutes on, decayed: 45 are 30 after three and a half weeks. A day of a
# weekend that has not been seen is judged by what that hour is like on so many minutes of weekdays, with more doubt.
KNOWN = 30.0
KNOWN_BY_WEEKDAYS = 45.0
# Below this share of the series' usual rate doors are closed.
CLOSED = 0.005
# Such a day is also judged by its hours so far: their prior in arrivals, and the bounds of the ratio.
DAY_PRIOR = 10.0
DAY_BOUNDS = (0.1, 1.5)
# How much of the doubt speaks against an excess: rates that are not yet known are mostly shrunk toward ones that are.
DOUBTED = 0.25
# A quarter seen for fewer minutes is no measure of a whole one.
LEAST_MINUTES = 5
# Quarters that can be unlearned, when it turns out that a surge had begun in them.
RECENT = 96
# Arrivals a minute below which no cell goes.
LEAST_RATE = 1e-5
# From coarse to fine, what a coarser level counts for beside a cell: so many minutes, or as many as bring so many
# arrivals.
PRIORS = ((30, 3), (60, 5), (60, 5), (30, 25))


@dataclass(slots=True)
class Baseline:
    """The levels of one series. What is learned is inflated by 2^(age / half-life), so that decay costs nothing.

    `day`: this day of the week, what came on it and what its cells said. `most`: the largest quarter that was learned,
    as a whole one.
    `recent`: the newest quarters as they were learned: (start, count, minutes, trend before it, what came).
    """

    origin: int = 0
    cells: Cells = field(default_factory=Cells)
    overall: Pair = field(default_factory=lambda: [0.0, 0.0])
    capped: dict[str, int] = field(default_factory=dict)
    trend: Pair = field(default_factory=lambda: [0.0, 0.0])
    block: Pair = field(default_factory=lambda: [0.0, 0.0, 0.0])
    spread: Pair = field(default_factory=lambda: [0.0, 0.0])
    clumps: Pair = field(default_factory=lambda: [0.0, 0.0])
    batches: Pair = field(default_factory=lambda: [0.0, 0.0])
    hour: Pair = field(default_factory=lambda: [0.0, 0.0, 0.0])
    day: list[float] = field(default_factory=lambda: [-1, 0.0, 0.0])
    most: float = 0.0
    recent: list[list[float]] = field(default_factory=list)
    # The newest of them, that were never saved: all others are as short as they were saved.
    _unsaved: int = field(default=0, compare=False)

    def outlook(self, start: int, zone: tzinfo) -> Outlook:
        """What is expected in the quarter that begins at `start`, as of then."""
        cell = Cell.at(start, zone)
        fade, usual = 2.0 ** ((self.origin - start) / HALF_LIFE), self.usual(start)
        rates, hour, hourly = [], -1, 0.0
        for one in (Cell.at(start - QUARTER, zone), cell, Cell.at(start + QUARTER, zone)):
            if one.hour_of_week != hour:
                hour, hourly = one.hour_of_week, self._shrunk(one.places[:-1], PRIORS[:-1], usual, fade)
            rates.append(self._shrunk(one.places[-1:], PRIORS[-1:], hourly, fade))
        before, now, after = rates
        low, high = min(before, now, after), max(before, now, after)
        minutes, level, came = self.seen(start, cell), self.level(), self._came(KINDS + cell.kind_hour)
        seen = minutes >= KNOWN
        return Outlook(
            before,
            now,
            after,
            min(low, came, self._came(cell.quarter)) * level,
            level * (1.0 if seen else self._so_far(cell)),
            self.dispersion(),
            DOUBTED * _doubt(minutes) + EDGE * (1 - low / high) ** 2,
            _clumping(self.clumps),
            _clumping(self.batches),
            seen or self.knows(start, cell),
            seen,
            seen and came < CLOSED * usual,
        )

    def rate(self, minute: int, cell: Cell) -> float:
        """Arrivals a minute in a cell as of `minute`, without trend."""
        return self._shrunk(cell.places, PRIORS, self.usual(minute), 2.0 ** ((self.origin - minute) / HALF_LIFE))

    def _shrunk(self, places: Sequence[int], priors: Sequence[tuple[int, int]], coarser: float, fade: float) -> float:
        """The rate of a cell, from a coarser one's rate through the levels in between."""
        r, pairs = coarser, self.cells.pairs
        for place, (least, arrivals) in zip(places, priors, strict=True):
            k = arrivals / r
            if k < least:
                k = least
            r = (pairs[2 * place] * fade + k * r) / (pairs[2 * place + 1] * fade + k)
            if r < LEAST_RATE:
                r = LEAST_RATE
        return r

    def usual(self, minute: int) -> float:
        """Arrivals a minute over all hours."""
        age = 2.0 ** ((self.origin - minute) / HALF_LIFE_OVERALL)
        return max((self.overall[0] * age + 0.5) / (self.overall[1] * age + 60), 1e-4)

    def level(self) -> float:
        """The trend: how the last days compare with what the cells say."""
        prior = TREND_PRIOR + TREND_PRIOR_MINUTES * self.overall[0] / max(self.overall[1], 1.0)
        ratio = (self.trend[0] + prior) / (self.trend[1] + prior)
        return min(max(ratio, TREND_BOUNDS[0]), TREND_BOUNDS[1])

    def _so_far(self, cell: Cell) -> float:
        """How the day has been so far beside what other days tell of it: a weekend that is seen for the first time."""
        if self.day[0] != cell.day:
            return 1.0
        ratio = (self.day[1] + DAY_PRIOR) / (self.day[2] + DAY_PRIOR)
        return min(max(ratio, DAY_BOUNDS[0]), DAY_BOUNDS[1])

    def dispersion(self) -> float:
        """phi of a negative binomial: variance = mean + phi × mean²."""
        phi = (self.spread[0] + PHI_PRIOR * PHI_WEIGHT) / (self.spread[1] + PHI_WEIGHT)
        return min(max(phi, PHI_BOUNDS[0]), PHI_BOUNDS[1])

    def doubt(self, minute: int, cell: Cell) -> float:
        """Squared relative uncertainty of the expected rate itself; falls with what was seen of this hour."""
        return _doubt(self.seen(minute, cell))

    def seen(self, minute: int, cell: Cell) -> float:
        """Minutes seen of this day type and hour, decayed."""
        return self._seen(minute, cell.kind_hour)

    def _seen(self, minute: int, kind_hour: int) -> float:
        return self.cells.get(KINDS + kind_hour)[1] * 2.0 ** ((self.origin - minute) / HALF_LIFE)

    def knows(self, minute: int, cell: Cell) -> bool:
        """False in a series' first days, until this day type and hour have been seen, or weekdays tell of a weekend."""
        return self.has_seen(minute, cell) or (cell.is_weekend and self._seen(minute, cell.hour) >= KNOWN_BY_WEEKDAYS)

    def has_seen(self, minute: int, cell: Cell) -> bool:
        """Whether this day type and hour have been seen themselves."""
        return self.seen(minute, cell) >= KNOWN

    def expect(self, first: int, step: int, number: int, zone: tzinfo) -> list[tuple[float, float, float]]:
        """Expected arrivals and the band around them, of `number` stretches of `step` minutes from `first`."""
        level = self.level()
        rates: dict[int, tuple[float, float]] = {}
        found = []
        for at in range(first, first + step * number, step):
            m = 0.0
            for minute in range(at, at + step, min(step, QUARTER)):
                quarter = minute - minute % QUARTER
                if quarter not in rates:
                    cell = Cell.at(quarter, zone)
                    rates[quarter] = (self.rate(quarter, cell) * level, self.doubt(quarter, cell))
                m += rates[quarter][0] * min(step, QUARTER)
            found.append((m, *self.band(m, rates[quarter][1])))
        return found

    def tells(self, first: int, step: int, number: int, zone: tzinfo) -> list[bool]:
        """Whether it is known what is usual in `number` stretches of `step` minutes from `first`, each as a whole.

        Not before anything was learned, nor where this kind of day was never seen at this hour: what `expect` says of
        them is hardly more than where every series starts from.
        """
        quarters: dict[int, bool] = {}
        found = []
        for at in range(first, first + step * number, step):
            within = range(at - at % QUARTER, at + step, QUARTER)
            for quarter in within:
                if quarter not in quarters:
                    quarters[quarter] = self.knows(quarter, Cell.at(quarter, zone))
            found.append(0 < self.origin <= at and all(quarters[quarter] for quarter in within))
        return found

    def band(self, expected: float, doubt: float = 0.0) -> tuple[float, float]:
        """Three standard deviations of a negative binomial about what is expected, and not below nothing."""
        width = 3 * math.sqrt(expected + (self.dispersion() + doubt / 2) * expected**2)
        return max(expected - width, 0.0), expected + width

    def _came(self, place: int) -> float:
        """Arrivals a minute in a cell, whatever coarser ones say; infinite where it has not been seen."""
        count, seen = self.cells.get(place)
        return count / seen if seen > 0 else math.inf

    def is_usual_silence(self, minute: int, cell: Cell) -> bool:
        """Whether nobody came in this quarter a week ago either; notes it for the next week."""
        name = f"q{cell.quarter}"
        repeats = self._repeats(name, minute)
        self.capped[name] = minute
        return repeats

    def learn(self, minute: int, cell: Cell, quarter: Minutes) -> None:
        """Learns the minutes of a finished quarter hour.

        A quarter far above what is expected is a past surge until the same quarter repeats it a week later: capped
        at three standard deviations, and the further above, the less it weighs.
        """
        count, expected = quarter.sums(QUARTER)
        name, minutes, doubt = f"q{cell.quarter}", float(len(quarter)), self.doubt(minute, cell)
        variance = expected + (self.dispersion() + doubt) * expected**2
        cap = expected + 3 * math.sqrt(max(variance, 1.0))
        weight, kept = 1.0, count
        familiar = cell.quarter in self.cells or self.knows(minute, cell)
        if count > cap and familiar and not self._repeats(name, minute):
            weight, kept = max((cap / count) ** 2, 0.02), cap
            self.capped[name] = minute
        elif count <= cap:
            self.capped.pop(name, None)
        self.recent.append([minute, kept * weight, minutes * weight, *self.trend, count])
        self._unsaved += 1
        del self.recent[:-RECENT]
        if self.day[0] != cell.day:
            self.day = [cell.day, 0.0, 0.0]
        self.day = [cell.day, self.day[1] + kept, self.day[2] + self.rate(minute, cell) * minutes]
        self._add(minute, cell, kept * weight, minutes * weight)
        self.most = max(self.most, kept * QUARTER / max(minutes, LEAST_MINUTES))
        self._learn_trend(kept, expected, minutes)
        self._learn_hour(kept, expected, minutes, self.doubt(minute, cell))
        if len(quarter) == QUARTER:
            self._learn_clumps(quarter.came, quarter.due)

    def unlearn(self, since: int, zone: tzinfo) -> tuple[float, float]:
        """Takes back the quarters that reach beyond `since`, as far as they are remembered; (count, minutes) of them.

        A surge that turns out to have begun in them must not be part of what is normal.
        """
        gone = [entry for entry in self.recent if entry[0] + QUARTER > since]
        self.recent = [entry for entry in self.recent if entry[0] + QUARTER <= since]
        for start, count, minutes, *_ in gone:
            self._add(int(start), Cell.at(int(start), zone), -count, -minutes)
        if gone:
            self.trend, self.block = list(gone[0][3:5]), [0.0, 0.0, 0.0]
        return sum(entry[5] for entry in gone), QUARTER * len(gone)

    def _repeats(self, quarter: str, minute: int) -> bool:
        before = self.capped.get(quarter)
        return before is not None and abs(minute - before - 7 * 1440) <= 75

    def add(self, minute: int, cell: Cell, count: float) -> None:
        """Adds arrivals that became known late to a quarter that was learned without them."""
        self._add(minute, cell, count, 0.0)

    def _add(self, minute: int, cell: Cell, count: float, minutes: float) -> None:
        if not self.origin:
            self.origin = minute
        swell = 2.0 ** ((minute - self.origin) / HALF_LIFE)
        for place in cell.places:
            self.cells.add(place, count * swell, minutes * swell)
        swell = 2.0 ** ((minute - self.origin) / HALF_LIFE_OVERALL)
        self.overall[0] += count * swell
        self.overall[1] += minutes * swell

    def _learn_trend(self, count: float, expected: float, minutes: float) -> None:
        # `expected` carries the trend already; the evidence is against the cells alone.
        self.block = [self.block[0] + count, self.block[1] + expected / self.level(), self.block[2] + minutes]
        seen, m, lasted = self.block
        if m < TREND_BLOCK and lasted < 1440:
            return
        self.block = [0.0, 0.0, 0.0]
        if seen < TREND_CREDIBLE[0] * m:
            return
        fade = 2.0 ** (-lasted / HALF_LIFE_TREND)
        self.trend = [self.trend[0] * fade + min(seen, TREND_CREDIBLE[1] * m), self.trend[1] * fade + m]

    def _learn_hour(self, count: float, expected: float, minutes: float, doubt: float) -> None:
        """Dispersion by the method of moments from hours, beyond what the baseline's own doubt explains.

        Quiet hours (holidays) say nothing about it.
        """
        self.hour = [self.hour[0] + count, self.hour[1] + expected, self.hour[2] + minutes]
        if self.hour[2] < 60:
            return
        seen, m, _ = self.hour
        self.hour = [0.0, 0.0, 0.0]
        if seen < 0.3 * m:
            return
        fade = 2.0 ** (-60 / HALF_LIFE)
        self.spread = [self.spread[0] * fade + (seen - m) ** 2 - m - doubt / 2 * m * m, self.spread[1] * fade + m * m]

    def _learn_clumps(self, came: Sequence[float], due: Sequence[float]) -> None:
        """Learns from bins of five minutes and of one, each about its neighbour, how arrivals clump and are batched."""
        fade = 2.0 ** (-QUARTER / HALF_LIFE_OVERALL)
        fives_came = sum(came[:5]), sum(came[5:10]), sum(came[10:])
        fives_due = sum(due[:5]), sum(due[5:10]), sum(due[10:])
        fives = zip(fives_came, fives_came[1:], fives_due, fives_due[1:], strict=False)
        self.clumps = differ(fives, self.clumps[0] * fade, self.clumps[1] * fade)
        # Minutes in pairs: the last of them is left over.
        here, there = iter(came), iter(due)
        jumps = differ(zip(here, here, there, there, strict=False), 0.0, 0.0)
        self.batches = [self.batches[0] * fade + jumps[0], self.batches[1] * fade + jumps[1]]

    def save(self) -> dict[str, Any]:
        """The state as JSON."""
        state = {name: getattr(self, name) for name in SAVED}
        state["cells"] = self.cells.save()
        known = max(len(self.recent) - self._unsaved, 0)
        state["recent"] = self.recent[:known] + [[short(value) for value in entry] for entry in self.recent[known:]]
        return state

    @classmethod
    def load(cls, state: dict[str, Any]) -> "Baseline":
        """The inverse of `save`. What an earlier version kept otherwise is left out and learned anew."""
        kept = {name: value for name, value in state.items() if name in SAVED}
        return cls(**{**kept, "cells": Cells.load(state.get("cells", ()))})


SAVED = tuple(one.name for one in fields(Baseline) if not one.name.startswith("_"))


def _doubt(seen: float) -> float:
    return 0.25 / (1 + seen / 60)


def _clumping(sums: Pair) -> float:
    """Variance over mean of neighbouring counts: one cause, several arrivals; one where each comes by itself."""
    d = (sums[0] + CLUMP_WEIGHT) / (sums[1] + CLUMP_WEIGHT)
    return min(max(d, CLUMP_BOUNDS[0]), CLUMP_BOUNDS[1])
