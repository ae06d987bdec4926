"""When contacts arrive: a daily and weekly rhythm, and a flood on top of it. Pure; times are aware UTC."""

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

# Share of a weekday's contacts by hour of the day: a morning and an afternoon peak, quiet nights.
HOURS = (1, 1, 1, 1, 1, 2, 4, 10, 22, 28, 27, 24, 19, 21, 24, 23, 20, 14, 8, 5, 4, 3, 2, 1)
# Monday to Sunday, relative to a weekday's volume.
DAYS = (1.15, 1.05, 1.0, 1.0, 0.95, 0.35, 0.25)


def rate(at: datetime, per_day: float) -> float:
    """Expected contacts a minute at `at` when an average day has `per_day`."""
    share = HOURS[at.hour] / sum(HOURS) / 60
    return per_day * share * DAYS[at.weekday()] * len(DAYS) / sum(DAYS)


def ordinary_times(start: datetime, end: datetime, per_day: float, dice: random.Random) -> Iterator[datetime]:
    """Times of a Poisson process with that rhythm between `start` and `end`, in order."""
    minute = start.replace(second=0, microsecond=0)
    while minute < end:
        seconds = sorted(dice.uniform(0, 60) for _ in range(poisson(rate(minute, per_day), dice)))
        yield from (minute + timedelta(seconds=second) for second in seconds)
        minute += timedelta(minutes=1)


def poisson(mean: float, dice: random.Random) -> int:
    """One draw from a Poisson distribution, by Knuth's product of uniforms (fit for means below some hundreds)."""
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return count


def flood_offsets(per_minute: float, minutes: float, dice: random.Random) -> list[float]:
    """Seconds after the start at which the flood's contacts come."""
    offsets, at = [], dice.expovariate(per_minute / 60)
    while at < minutes * 60:
        offsets.append(at)
        at += dice.expovariate(per_minute / 60)
    return offsets
