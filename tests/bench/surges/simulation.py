"""Invented series, by seed: a weekly rhythm or opening hours, holidays, slow and fast dispersion, clumps, a trend."""

import math
from zoneinfo import ZoneInfo

import numpy as np

from tests.bench.surges.series import WEEK, Series, week_minutes

DAY = 1440
START = 3_155_040  # a Monday in January 2026
WARM = 42 * DAY
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
# Mean arrivals a minute.
VOLUMES = (0.03, 0.06, 0.15, 0.25, 0.5, 1.0, 3.0, 12.0)
HOURS = (3, 2, 2, 2, 3, 5, 9, 16, 24, 28, 28, 26, 23, 23, 24, 24, 22, 19, 16, 13, 11, 9, 6, 4)


def _round_the_clock(dice: np.random.Generator) -> np.ndarray:
    hours = np.tile(np.array(HOURS, float), 7) * np.repeat(dice.uniform(0.8, 1.2, 7) * [1, 1, 1, 1, 1, 0.7, 0.6], 24)
    return np.interp(np.arange(WEEK), np.arange(-1, 169) * 60 + 30, [hours[-1], *hours, hours[0]])


def _office(dice: np.random.Generator) -> np.ndarray:
    opens, closes = int(dice.integers(7, 10)) * 60, int(dice.integers(17, 21)) * 60
    minute = np.arange(WEEK)
    open_now = (minute % DAY >= opens) & (minute % DAY < closes) & (minute < 5 * DAY)
    morning = 1 + 0.5 * np.cos((minute % DAY - opens) / (closes - opens) * 2 * math.pi)
    return np.where(open_now, morning, 0.01)


def _shop(dice: np.random.Generator) -> np.ndarray:
    minute = np.arange(WEEK)
    open_now = (minute % DAY >= 540) & (minute % DAY < 1260)
    weight = np.repeat(dice.uniform(0.7, 1.3, 7), DAY)
    return np.where(open_now, 1 + 0.3 * np.sin((minute % DAY - 540) / 720 * math.pi), 0.06) * weight


def _even(dice: np.random.Generator) -> np.ndarray:
    return 1 + 0.3 * np.sin((np.arange(WEEK) % DAY) / DAY * 2 * math.pi + dice.uniform(0, 6))


RHYTHMS = (_round_the_clock, _office, _shop, _even, _round_the_clock)


def _drift(number: int, step: int, memory: float, variance: float, dice: np.random.Generator) -> np.ndarray:
    """A factor of mean one that changes every `step` minutes and remembers itself."""
    size = -(-number // step)
    noise = dice.normal(0, math.sqrt(variance * (1 - memory**2)), size)
    value, found = dice.normal(0, math.sqrt(variance)), np.empty(size)
    for at in range(size):
        value = memory * value + noise[at]
        found[at] = value
    return np.repeat(np.exp(found - variance / 2), step)[:number]


def _holidays(number: int, dice: np.random.Generator) -> np.ndarray:
    """Six days a year at 0.3 times the usual, each followed by one at 1.3 times."""
    factor = np.ones(number)
    for day in dice.choice(range(2, number // DAY - 2), size=round(6 * number / DAY / 365), replace=False):
        factor[day * DAY : (day + 1) * DAY] = 0.3
        factor[(day + 1) * DAY : (day + 2) * DAY] = 1.3
    return factor


def _clumped(mean: np.ndarray, clump: float, dice: np.random.Generator) -> np.ndarray:
    """Poisson many causes a minute, each of a geometric number of arrivals, `clump` on average."""
    causes = dice.poisson(mean / clump)
    if clump <= 1:
        return causes
    more = np.where(causes > 0, dice.negative_binomial(np.maximum(causes, 1), 1 / clump), 0)
    return causes + more


def simulated(seed: int, weeks: int = 30) -> Series:
    """One series. Seeds below 100, from 200 to 327 and from 1000 to 1099 are for tuning."""
    dice = np.random.default_rng(seed)
    zone = ZoneInfo(ZONES[seed % 3])
    number = weeks * WEEK
    shape = RHYTHMS[seed % 5](dice)
    volume = VOLUMES[seed % 8]
    of_week = week_minutes(START, number, zone)
    trend = np.linspace(1, 1 + dice.uniform(-0.2, 0.3), number)
    truth = volume * (shape / shape.mean())[of_week] * trend * _holidays(number, dice)
    slow = _drift(number, DAY, 0.5, dice.uniform(0.001, 0.01), dice)
    fast = _drift(number, 15, 0.8, dice.uniform(0.003, 0.04), dice)
    clump = float(dice.choice([1.0, 1.0, 1.1, 1.3]))
    counts = _clumped(truth * slow * fast, clump, dice).astype(np.int32)
    return Series(f"simulated {seed}", "simulated", zone, START, counts, truth, (WARM, number))
