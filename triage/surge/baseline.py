"""What is normal: expected arrivals a minute for every quarter hour of the week, learned, decayed and shrunk.

Pairs (count, minutes seen) are kept at five levels: quarter of the week, hour of the week, day type and hour, hour of
the day, overall. Each level is shrunk toward the next coarser one as a gamma-Poisson mean with K minutes of prior
(empirical Bayes: Robbins 1956; Efron and Morris 1973): rate = (count + K × coarser rate) / (minutes + K). All decay
with a half-life, so that the newest weeks count most. No Django; times are aware datetimes.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

QUARTER = 15
# Minutes after which a count weighs half: six weeks, and two for the overall rate.
HALF_LIFE = 42 * 1440
HALF_LIFE_OVERALL = 14 * 1440
# Minutes after which the trend's evidence weighs half, its prior in arrivals, and its bounds.
HALF_LIFE_TREND = 36 * 60
TREND_PRIOR = 20.0
TREND_BOUNDS = (0.8, 1.5)
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
# A day type and hour is known from this many minutes on, decayed: 45 are 30 after three and a half weeks.
KNOWN = 30.0
EPOCH = datetime(2020, 1, 6, tzinfo=timezone.utc)  # noqa: UP017  a Monday

Pair = list[float]


def minute_of(at: datetime) -> int:
    """Whole minutes since the epoch of this module."""
    return int((at - EPOCH).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a time lies in the week, from fine to coarse."""

    quarter: int
    hour_of_week: int
    kind_hour: int
    hour: int

    @classmethod
    def at(cls, minute: int, zone: tzinfo) -> "Cell":
        """The cell of a minute in the business's local time, so that a change of clocks moves nothing."""
        local = (EPOCH + timedelta(minutes=minute)).astimezone(zone)
        day = local.weekday()
        kind = max(0, day - 4)
        hour_of_week = day * 24 + local.hour
        return cls(hour_of_week * 4 + local.minute // QUARTER, hour_of_week, kind * 24 + local.hour, local.hour)

    def levels(self) -> tuple[str, str, str, str]:
        return (f"q{self.quarter}", f"w{self.hour_of_week}", f"k{self.kind_hour}", f"h{self.hour}")


@dataclass(slots=True)
class Baseline:
    """The levels of one series. What is learned is inflated by 2^(age / half-life), so that decay costs nothing."""

    origin: int = 0
    cells: dict[str, Pair] = field(default_factory=dict)
    overall: Pair = field(default_factory=lambda: [0.0, 0.0])
    capped: dict[str, int] = field(default_factory=dict)
    trend: Pair = field(default_factory=lambda: [0.0, 0.0])
    spread: Pair = field(default_factory=lambda: [0.0, 0.0])
    clumps: Pair = field(default_factory=lambda: [0.0, 0.0])
    hour: Pair = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def rate(self, minute: int, cell: Cell) -> float:
        """Arrivals a minute in a cell as of `minute`, without trend."""
        fade = 2.0 ** ((self.origin - minute) / HALF_LIFE)
        quarter, hour_of_week, kind, hour = cell.levels()
        age = 2.0 ** ((self.origin - minute) / HALF_LIFE_OVERALL)
        r = max((self.overall[0] * age + 0.5) / (self.overall[1] * age + 60), 1e-4)
        for key, least, arrivals in ((hour, 30, 3), (kind, 60, 5), (hour_of_week, 60, 5), (quarter, 30, 25)):
            k = max(least, arrivals / r)
            count, seen = self.cells.get(key, (0.0, 0.0))
            r = max((count * fade + k * r) / (seen * fade + k), 1e-5)
        return r

    def level(self) -> float:
        """The trend: how the last days compare with what the cells say."""
        ratio = (self.trend[0] + TREND_PRIOR) / (self.trend[1] + TREND_PRIOR)
        return min(max(ratio, TREND_BOUNDS[0]), TREND_BOUNDS[1])

    def dispersion(self) -> float:
        """phi of a negative binomial: variance = mean + phi × mean²."""
        phi = (self.spread[0] + PHI_PRIOR * PHI_WEIGHT) / (self.spread[1] + PHI_WEIGHT)
        return min(max(phi, PHI_BOUNDS[0]), PHI_BOUNDS[1])

    def doubt(self, minute: int, cell: Cell) -> float:
        """Squared relative uncertainty of the expected rate itself; falls with what was seen of this hour."""
        return 0.25 / (1 + self.seen(minute, cell) / 60)

    def clumping(self) -> float:
        """Variance over mean of five-minute counts, beyond what `dispersion` explains: one cause, several arrivals."""
        d = (self.clumps[0] + CLUMP_WEIGHT) / (self.clumps[1] + CLUMP_WEIGHT)
        return min(max(d, CLUMP_BOUNDS[0]), CLUMP_BOUNDS[1])

    def seen(self, minute: int, cell: Cell) -> float:
        """Minutes seen of this day type and hour, decayed."""
        return self.cells.get(f"k{cell.kind_hour}", (0.0, 0.0))[1] * 2.0 ** ((self.origin - minute) / HALF_LIFE)

    def knows(self, minute: int, cell: Cell) -> bool:
        """False in a series' first week, until this day type and hour have been seen."""
        return self.seen(minute, cell) >= KNOWN

    def learn(self, minute: int, cell: Cell, count: float, minutes: float, expected: float) -> None:
        """Learns a finished quarter hour: `count` arrivals in `minutes` that were seen, `expected` before it began.

        A quarter far above what is expected is a past surge until the same quarter repeats it a week later: capped
        at three standard deviations, and the further above, the less it weighs.
        """
        quarter = cell.levels()[0]
        variance = expected + (self.dispersion() + self.doubt(minute, cell)) * expected**2
        cap = expected + 3 * math.sqrt(max(variance, 1.0))
        weight, kept = 1.0, count
        if count > cap and quarter in self.cells and not self._repeats(quarter, minute):
            weight, kept = max((cap / count) ** 2, 0.02), cap
            self.capped[quarter] = minute
        elif count <= cap:
            self.capped.pop(quarter, None)
        self._add(minute, cell, kept * weight, minutes * weight)
        self._learn_trend(kept, expected, minutes)
        self._learn_hour(kept, expected, minutes)

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
        for key in cell.levels():
            pair = self.cells.setdefault(key, [0.0, 0.0])
            pair[0] += count * swell
            pair[1] += minutes * swell
        swell = 2.0 ** ((minute - self.origin) / HALF_LIFE_OVERALL)
        self.overall[0] += count * swell
        self.overall[1] += minutes * swell

    def _learn_trend(self, count: float, expected: float, minutes: float) -> None:
        fade = 2.0 ** (-minutes / HALF_LIFE_TREND)
        # `expected` carries the trend already; the evidence is against the cells alone.
        self.trend[0] = self.trend[0] * fade + count
        self.trend[1] = self.trend[1] * fade + expected / self.level()

    def _learn_hour(self, count: float, expected: float, minutes: float) -> None:
        """Dispersion by the method of moments from hours; quiet hours (holidays) say nothing about it."""
        self.hour = [self.hour[0] + count, self.hour[1] + expected, self.hour[2] + minutes]
        if self.hour[2] < 60:
            return
        seen, m, _ = self.hour
        self.hour = [0.0, 0.0, 0.0]
        if seen < 0.3 * m:
            return
        fade = 2.0 ** (-60 / HALF_LIFE)
        self.spread = [self.spread[0] * fade + (seen - m) ** 2 - m, self.spread[1] * fade + m * m]

    def learn_clump(self, count: float, expected: float) -> None:
        """Learns from a finished five-minute bin how arrivals clump. One outlier says little: it is capped."""
        fade = 2.0 ** (-5 / HALF_LIFE_OVERALL)
        variance = expected + self.dispersion() * expected**2
        square = min((count - expected) ** 2, 36 * max(variance, 0.25))
        self.clumps = [
            self.clumps[0] * fade + square * expected / max(variance, 1e-9),
            self.clumps[1] * fade + expected,
        ]

    def save(self) -> dict[str, Any]:
        """The state as JSON; six digits are more than any count carries."""
        return {
            "origin": self.origin,
            "cells": {key: [_short(count), _short(seen)] for key, (count, seen) in self.cells.items()},
            "overall": self.overall,
            "capped": self.capped,
            "trend": self.trend,
            "spread": self.spread,
            "clumps": self.clumps,
            "hour": self.hour,
        }

    @classmethod
    def load(cls, state: dict[str, Any]) -> "Baseline":
        """The inverse of `save`."""
        return cls(**state)


def _short(value: float) -> float:
    return float(f"{value:.6g}")
