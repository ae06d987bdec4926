"""Who stands in the list of callbacks and roughly when their turn comes, kept for the telephone and for the pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, sqrt
from typing import Any

from django.utils import timezone

from tickets.keeper import Keeper
from voice.callbacks import WAITING
from voice.models import Callback

# The pace is that of the last hour, and told once so many were called in it.
PACE, FEWEST = timedelta(hours=1), 3
# Callers are told a time up to so many minutes; further off nobody keeps a promise.
FURTHEST = 12 * 60
# Seconds after which what is kept is too old to be told.
STALE = 15.0
# Of a normal distribution: one in ten is below, one in ten above.
TENTH = 1.2816


@dataclass(frozen=True, slots=True)
class Wait:
    """Between `low` and `high` minutes from now, in eight of ten cases."""

    low: int
    high: int

    @property
    def in_hours(self) -> bool:
        return self.high > 90

    @property
    def shown(self) -> tuple[int, int]:
        """Both ends in minutes or in hours, rounded outwards."""
        return (self.low // 60, ceil(self.high / 60)) if self.in_hours else (self.low, self.high)


def expected_wait(rank: int, called: int, period: timedelta = PACE) -> Wait | None:
    """Pure: when the `rank`-th (from 1) has their turn if `called` were called in the last `period`.

    The time of `rank` events at a rate that was itself counted from `called` events has the relative variance
    1/rank + 1/called (delta method, both Poisson). None where too little is known, or it is too far off.
    """
    if called < FEWEST:
        return None
    mean = rank * period.total_seconds() / 60 / called
    spread = TENTH * sqrt(1 / rank + 1 / called)
    low, high = floor(mean * max(0.0, 1 - spread) / 5) * 5, ceil(mean * (1 + spread) / 5) * 5
    return Wait(low, high) if high <= FURTHEST else None


def called_in_last(now: datetime, period: timedelta = PACE) -> int:
    """Callbacks that people have closed in this time; what was cancelled was not called."""
    ended = [Callback.State.DONE, Callback.State.GAVE_UP]
    return Callback.objects.filter(done_at__gte=now - period, state__in=ended, simulated=False).count()


def compile_standing() -> dict[str, Any]:
    """`open`: number → rank from 1 (0: it is being called), real ones and `simulated`; `called`: in the last hour."""
    numbers: dict[bool, dict[str, int]] = {False: {}, True: {}}
    ranks = {False: 0, True: 0}
    rows = Callback.objects.filter(state__in=Callback.OPEN_STATES).order_by("-requester__vip", "requested_at", "pk")
    for number, simulated, state in rows.values_list("number", "simulated", "state").iterator():
        waits = state in WAITING
        ranks[simulated] += waits
        numbers[simulated][number] = ranks[simulated] if waits else 0
    return {
        "open": numbers[False],
        "simulated": numbers[True],
        "last": ranks[False],
        "called": called_in_last(timezone.now()),
    }


STANDING = Keeper("callbacks", compile_standing, every=2.0)


def wait_now() -> Wait | None:
    """How long somebody waits who asks now, as callers are told."""
    known = STANDING.current()
    return expected_wait(known.get("last", 0) + 1, known.get("called", 0))


def told(number: str, *, simulated: bool = False) -> tuple[bool, Wait | None]:
    """Whether a callback to this number stands, and when its turn comes, or would. Nothing is told from an old copy."""
    known = STANDING.current()
    if STANDING.age() > STALE:
        return False, None
    rank = known.get("simulated" if simulated else "open", {}).get(number)
    place = known.get("last", 0) + 1 if rank is None else max(rank, 1)
    return rank is not None, expected_wait(place, known.get("called", 0))
