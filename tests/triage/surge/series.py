"""Makes minutes of an invented series, Poisson around a daily and weekly rhythm, and runs a detector over them."""

import math
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from triage.drill.rhythm import rate
from triage.surge.detector import Detector
from triage.surge.excursions import Episode
from triage.surge.quarters import minute_of
from triage.surge.reading import Reading

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
Factor = Callable[[datetime], float]


def draw(mean: float, dice: random.Random) -> int:
    """One Poisson draw; by the normal distribution where that is as good."""
    if mean > 50:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, product, number = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        number += 1
    return number


@dataclass
class Ran:
    detector: Detector
    events: list[tuple[datetime, str]] = field(default_factory=list)
    notices: list[datetime] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    last: Reading | None = None

    def note(self, at: datetime, reading: Reading) -> None:
        self.last = reading
        if reading.event == "notice":
            self.notices.append(at)
        elif reading.event:
            self.events.append((at, reading.event))
        if reading.event == "end" and self.detector.resting:
            self.episodes.append(self.detector.resting)

    def starts(self) -> list[datetime]:
        return [at for at, event in self.events if event == "start"]


def run(
    days: float,
    *,
    per_day: float = 1000,
    times: Factor = lambda at: 1.0,
    zone: tzinfo = UTC,
    start: datetime = MONDAY,
    seed: int = 1,
    detector: Detector | None = None,
    counts: Callable[[datetime, int], int | None] = lambda at, count: count,
    after: int = 0,
) -> Ran:
    """Feeds `days` of minutes. `times` multiplies the rate, `counts` may replace what is drawn.

    `after`: so many first days are ordinary ones, which are fed once for all tests that say so.
    """
    if after:
        detector, state = deepcopy(_ordinary(after, per_day, zone, start, seed))
    ran = Ran(detector or Detector(zone))
    dice = random.Random(seed)
    if after:
        dice.setstate(state)
    for n in range(after * 1440, round(days * 1440)):
        at = start + timedelta(minutes=n)
        local = at.astimezone(zone)
        count = counts(at, draw(rate(local, per_day) * times(at), dice))
        ran.note(at, ran.detector.step(at, count))
    return ran


def run_on(detector: Detector, first: float, end: float, times: Factor, per_day: float = 1000, seed: int = 5) -> Ran:
    """Feeds the same detector from day `first` to day `end`."""
    ran, dice = Ran(detector), random.Random(seed)
    for n in range(round(first * 1440), round(end * 1440)):
        at = MONDAY + timedelta(minutes=n)
        ran.note(at, detector.step(at, draw(rate(at, per_day) * times(at), dice)))
    return ran


@cache
def _ordinary(days: int, per_day: float, zone: tzinfo, start: datetime, seed: int) -> tuple[Detector, Any]:
    dice = random.Random(seed)
    detector = Detector(zone)
    for n in range(days * 1440):
        at = start + timedelta(minutes=n)
        assert detector.step(at, draw(rate(at.astimezone(zone), per_day), dice)).event in ("", "notice")
    return detector, dice.getstate()


def during(start: datetime, minutes: float, factor: float) -> Factor:
    """A factor for a while, one otherwise."""
    end = start + timedelta(minutes=minutes)
    return lambda at: factor if start <= at < end else 1.0


def offset(minute: int, at: datetime) -> int:
    """Minutes from `at` to a minute of the detector."""
    return minute - minute_of(at)
