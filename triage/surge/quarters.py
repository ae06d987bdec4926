"""Where a minute lies in the business's week, and what a quarter of an hour that goes on has seen so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from triage.surge.cells import HOURS, HOURS_OF_WEEK, KINDS
from triage.surge.outlook import QUARTER

EPOCH = datetime(2020, 1, 6, tzinfo=timezone.utc)  # noqa: UP017  a Monday
Pair = list[float]


def minute_of(at: datetime) -> int:
    """Whole minutes since the epoch of this module."""
    since = at - EPOCH
    return since.days * 1440 + since.seconds // 60


def time_of(minute: int) -> datetime:
    """The inverse of `minute_of`."""
    return EPOCH + timedelta(minutes=minute)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a time lies in the week, from fine to coarse."""

    quarter: int
    hour_of_week: int
    kind_hour: int
    hour: int

    @property
    def day(self) -> int:
        """Monday is 0."""
        return self.hour_of_week // 24

    @property
    def is_weekend(self) -> bool:
        return self.kind_hour >= 24

    # Kept, since a thousand series ask for the same few in every quarter of an hour.
    @classmethod
    @lru_cache(maxsize=4096)
    def at(cls, minute: int, zone: tzinfo) -> "Cell":
        """The cell of a minute in the business's local time, so that a change of clocks moves nothing."""
        local = (EPOCH + timedelta(minutes=minute)).astimezone(zone)
        day = local.weekday()
        kind = max(0, day - 4)
        hour_of_week = day * 24 + local.hour
        return cls(hour_of_week * 4 + local.minute // QUARTER, hour_of_week, kind * 24 + local.hour, local.hour)

    def places(self) -> tuple[int, int, int, int]:
        """Where `Cells` keep it, on each level."""
        return self.quarter, HOURS_OF_WEEK + self.hour_of_week, KINDS + self.kind_hour, HOURS + self.hour


@dataclass(slots=True)
class Quarter:
    """A quarter of an hour that goes on: what came, in how many minutes that were seen, and what was expected.

    `fives`: (count, expected) of its five-minute bins, flat. `jumps`: the squared differences of neighbouring minutes
    beside what they would be without batches. `last`: (count, expected) of a minute that waits for its neighbour.
    """

    count: float = 0.0
    minutes: float = 0.0
    expected: float = 0.0
    fives: list[float] = field(default_factory=lambda: [0.0] * 6)
    jumps: Pair = field(default_factory=lambda: [0.0, 0.0])
    last: list[float] = field(default_factory=list)

    def add(self, minute: int, count: float, expected: float) -> None:
        """Takes the next minute of it."""
        self.count += count
        self.minutes += 1
        self.expected += expected
        which, fives = minute % QUARTER // 5 * 2, self.fives
        fives[which] += count
        fives[which + 1] += expected
        if self.last:
            differ(self.jumps, self.last, (count, expected))
            self.last = []
        else:
            self.last = [count, expected]

    def is_whole(self) -> bool:
        return self.minutes == QUARTER


def differ(sums: Pair, first: Sequence[float], second: Sequence[float]) -> None:
    """Adds the squared difference of neighbours (von Neumann 1941), which is blind to a rate that is wrong in both.

    One outlier says little: it is capped.
    """
    m = first[1] + second[1]
    sums[0] += min((first[0] - second[0] - first[1] + second[1]) ** 2, 36 * max(m, 0.25))
    sums[1] += m
