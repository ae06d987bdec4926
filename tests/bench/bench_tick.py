"""What a tick costs: a bulk load of ten days, then quiet times and floods; prints times and their ratios."""

import statistics
import time
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.triage.surge import traffic
from triage.models import SeriesState
from triage.surge.tick import tick

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TEN_SECONDS = timedelta(seconds=10)


def measured(at: datetime) -> tuple[float, int]:
    """CPU milliseconds and queries of one tick."""
    with CaptureQueriesContext(connection) as seen:
        began = time.process_time()
        tick(at)
        return (time.process_time() - began) * 1000, len(seen)


def many(start: datetime, number: int, per_minute: float, lines: int) -> list[tuple[float, int]]:
    costs = []
    for n in range(number):
        at = start + n * TEN_SECONDS
        times = [at + TEN_SECONDS * (i / (per_minute / 6)) for i in range(round(per_minute / 6))]
        for line in range(lines):
            traffic.contacts(times[line::lines], line=f"line{line}")
        costs.append(measured(at + TEN_SECONDS))
    return costs


def say(name: str, costs: list[tuple[float, int]]) -> float:
    spent = [cost for cost, _ in costs]
    median = statistics.median(spent)
    print(
        f"{name:34} median {median:7.1f} ms, worst {max(spent):7.1f} ms,"
        f" queries {statistics.median(number for _, number in costs):.0f} to {max(number for _, number in costs)}"
    )
    return median


def main(per_day: int = 1000, lines: int = 4) -> None:
    traffic.ordinary(10, until=NOW, per_day=per_day)
    print(f"ten days of {per_day} contacts a day, {lines} lines")
    say("bulk load", [measured(NOW)])
    quiet = say("quiet, 2 a minute", many(NOW, 60, 12, lines))
    flood = say("flood, 70 a minute", many(NOW + 60 * TEN_SECONDS, 60, 72, lines))
    torrent = say("torrent, 1,200 a minute", many(NOW + 120 * TEN_SECONDS, 30, 1200, lines))
    print(f"series {SeriesState.objects.count()}; flood over quiet {flood / quiet:.1f}, torrent {torrent / quiet:.1f}")
