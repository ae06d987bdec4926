"""Surges that are injected into series, from a seeded list, and how long ours takes to see each."""

import math
import pickle
from dataclasses import dataclass, field

import numpy as np

from tests.bench.surges.peers import LEAD
from tests.bench.surges.series import Series
from triage.surge.detector import Detector
from triage.surge.quarters import time_of

MULTIPLES = (2, 3, 5, 10, 100)
RAMPS = (0, 30, 120)
DURATIONS = (1, 4, 24, 72)  # hours
# A surge that is not found within so many minutes is missed: its delay is infinite.
HORIZON = 240
MISSED = math.inf


@dataclass(slots=True)
class Injection:
    """One surge: `at` is its first minute's index. `counts` are what is seen from LEAD minutes before it on."""

    at: int
    multiple: int
    ramp: int
    hours: int
    by_day: bool
    counts: np.ndarray
    delay: float = MISSED


@dataclass(slots=True)
class Judged:
    """One series after ours has run over it: its alarms (indices) and the injections with their delays."""

    series: Series
    alarms: list[int] = field(default_factory=list)
    notices: list[int] = field(default_factory=list)
    injections: list[Injection] = field(default_factory=list)
    skipped: int = 0

    def false_alarms(self) -> list[int]:
        ordinary = self.series.ordinary()
        return [at for at in self.alarms if ordinary[at]]


def starts(series: Series, number: int, dice: np.random.Generator) -> list[int]:
    """Random minutes, half of them by day (8 to 20), where something is usual and no event is near."""
    ordinary, hours = series.ordinary(), series.local_hours()
    far = np.convolve(~ordinary, np.ones(HORIZON), "full")[HORIZON - 1 :] == 0
    day = np.add.reduceat(series.counts, np.arange(0, len(series.counts), 1440))
    usual = np.add.reduceat(series.truth, np.arange(0, len(series.counts), 1440))
    closed = np.repeat(day < 0.2 * usual - 3, 1440)[: len(series.counts)]
    busy = series.truth >= 0.05 * series.mean()
    fit = far & busy & ~closed & np.roll(busy, -60)
    fit[-HORIZON:] = False
    by_day = (hours >= 8) & (hours < 20)
    found: list[int] = []
    for which in (by_day, ~by_day):
        places = np.flatnonzero(fit & which)
        if len(places):
            found += [int(at) for at in dice.choice(places, size=-(-number // 2))]
    return sorted(set(found))


def injections(series: Series, number: int, seed: int) -> dict[int, list[Injection]]:
    """By start: every multiple with every ramp, the duration by dice."""
    dice = np.random.default_rng([seed, *series.name.encode()])
    hours = series.local_hours()
    found: dict[int, list[Injection]] = {}
    for at in starts(series, number, dice):
        for multiple in MULTIPLES:
            for ramp in RAMPS:
                lasts = int(dice.choice(DURATIONS))
                counts = injected(series, at, multiple, ramp, lasts, dice)
                one = Injection(at, multiple, ramp, lasts, bool(8 <= hours[at] < 20), counts)
                found.setdefault(at, []).append(one)
    return found


def injected(
    series: Series, at: int, multiple: float, ramp: int, hours: float, dice: np.random.Generator, horizon: int = HORIZON
) -> np.ndarray:
    """The counts from LEAD minutes before `at` to `horizon` after it, with the surge on top."""
    minute = np.arange(horizon)
    factor = (multiple - 1) * (np.minimum((minute + 1) / ramp, 1.0) if ramp else 1.0) * (minute < hours * 60)
    counts = series.counts[at - LEAD : at + horizon].astype(np.int32)
    counts[LEAD:] += dice.poisson(factor * series.truth[at : at + horizon]).astype(np.int32)
    return counts


def judge(series: Series, number: int, seed: int = 1) -> Judged:
    """Runs ours over a series, causally, and aside over every injection."""
    detector, judged = Detector(series.zone), Judged(series)
    wanted = injections(series, number, seed) if number else {}
    for at, count in enumerate(series.counts[: series.judged[1]]):
        if at in wanted:
            if detector.episode:
                judged.skipped += 1
            else:
                judged.injections += wanted[at]
                look(detector, series, wanted[at])
        reading = detector.step(time_of(series.start + at), int(count))
        if reading.event == "start":
            judged.alarms.append(at)
        elif reading.event == "notice":
            judged.notices.append(at)
    return judged


def look(detector: Detector, series: Series, some: list[Injection]) -> None:
    """Runs a copy of the detector over each injection and notes how long it takes."""
    kept = pickle.dumps(detector)
    for one in some:
        aside: Detector = pickle.loads(kept)
        for minute, count in enumerate(one.counts[LEAD:]):
            if aside.step(time_of(series.start + one.at + minute), int(count)).event in ("start", "resume"):
                one.delay = minute + 1
                break
