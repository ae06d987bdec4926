"""Where a minute lies in the business's week, and what came in some minutes beside what was expected."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

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


class Cell(NamedTuple):
    """Where a time lies in the week. `places`: where `Cells` keep it on each level, from coarse to fine."""

    quarter: int
    hour_of_week: int
    kind_hour: int
    hour: int
    places: tuple[int, int, int, int]

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
        hour_of_week, kind_hour = day * 24 + local.hour, kind * 24 + local.hour
        quarter = hour_of_week * 4 + local.minute // QUARTER
        places = HOURS + local.hour, KINDS + kind_hour, HOURS_OF_WEEK + hour_of_week, quarter
        return cls(quarter, hour_of_week, kind_hour, local.hour, places)


@dataclass(slots=True)
class Minutes:
    """Minutes that were seen, in their order: what came in each and what was expected."""

    came: list[float] = field(default_factory=list)
    due: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.came)

    def save(self) -> dict[str, list[float]]:
        """As JSON."""
        return {"came": list(self.came), "due": list(self.due)}

    def sums(self, newest: int) -> tuple[float, float]:
        """What came and what was expected in the `newest` of them."""
        return sum(self.came[-newest:]), sum(self.due[-newest:])


def differ(neighbours: Iterable[tuple[float, float, float, float]], squares: float, by_chance: float) -> Pair:
    """Adds squared differences of neighbours (came, came next, due, due next), and what chance makes of them.

    They are blind to a rate that is wrong in both (von Neumann 1941). One outlier says little: it is capped.
    """
    for came, came_next, due, due_next in neighbours:
        m, jump = due + due_next, came - came_next - due + due_next
        square, most = jump * jump, 36 * m if m > 0.25 else 9.0
        squares += square if square < most else most
        by_chance += m
    return [squares, by_chance]
