"""What a tick of a thousand series costs in usual times and in floods: CPU, with and without a new minute; queries.

Beside it, what the watch does after a tick: counting people, telling managers, and working out what surges are about.
"""

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.triage.surge import traffic
from tests.triage.surge.series import run
from tests.triage.surge.test_texts import write
from triage.models import Clock, SeriesState
from triage.surge import about, clock, people, silence, telling
from triage.surge.detector import time_of
from triage.surge.tick import tick
from triage.surge.watching import settle

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TEN_SECONDS = timedelta(seconds=10)
# What is usual: two in a thousand of a day come in a minute at ten on a Monday.
PER_DAY = 60_000
MINUTE = timedelta(minutes=1)
# Ticks after which a process that starts has read all states.
READING = 14
# Of a hundred contacts so many write; the others call.
WRITE = 40
# Messages of the four weeks before.
WRITTEN = 4000
ORDINARY = "Hello, where do I find the invoice of last month? It is not in my account. Thank you, and have a nice day."
SAID = (
    ORDINARY,
    *["Hello, I cannot log in since this morning: it says error 500 after the password. Can you help?"] * 9,
)
# CPU milliseconds that a tick of a thousand series may take.
LIMIT = 100

Costs = dict[str, list[float]]
Spent = tuple[Costs, list[int]]


def learn(lines: int) -> None:
    """Gives every series the state of one that has seen ten days: what is measured is the tick, not the learning."""
    for names, per_day in (
        (["all", "medium:phone"], PER_DAY),
        ([f"line:line{n}" for n in range(lines)], PER_DAY / lines),
    ):
        state = run(10, per_day=per_day, start=NOW - timedelta(days=10)).detector.save()
        last = time_of(state["minute"])
        SeriesState.objects.bulk_create([SeriesState(series=name, minute=last, state=state) for name in names], 500)
    Clock.objects.create(name=clock.NAME, minute=last, turn="learned")


def measured(do: Callable[[datetime], object], at: datetime) -> float:
    """CPU milliseconds that it takes to do something at a time."""
    began = time.process_time()
    do(at)
    return (time.process_time() - began) * 1000


def tell(at: datetime) -> None:
    """What the watch does right after a tick."""
    silence.tell(at)
    telling.tell(at)


def counted(at: datetime) -> int:
    """Queries of one tick; counting them costs time, so such a tick is not measured."""
    with CaptureQueriesContext(connection) as seen:
        tick(at)
    return len(seen)


def ticks(start: datetime, minutes: int, per_minute: float, lines: int, dice: random.Random) -> Spent:
    """Ticks every ten seconds while contacts come in on lines drawn at random. Every third minute counts queries."""
    costs: Costs = defaultdict(list)
    queries: list[int] = []
    for n in range(1, minutes * 6 + 1):
        at = start + n * TEN_SECONDS
        for _ in range(round(per_minute / 6)):
            traffic.contacts([at - dice.random() * TEN_SECONDS], line=f"line{dice.randrange(lines)}")
        said = [dice.choice(SAID) for _ in range(round(per_minute / 6 * WRITE / 100))]
        for text in said:
            write(at - dice.random() * TEN_SECONDS, text=text)
        # A minute is complete twenty seconds after it ended.
        kind = "a new minute" if at.second == 20 else "no new minute"
        if n // 6 % 3 == 2:
            queries.append(counted(at))
        else:
            costs[kind].append(measured(tick, at))
        costs["people"].append(measured(people.refresh, at))
        costs["telling"].append(measured(tell, at))
        if n % 2:
            costs["what it is about"].append(measured(about.refresh, at))
    return costs, queries


def say(name: str, costs: Costs, queries: list[int]) -> None:
    print(f"{name}: queries a tick {min(queries)} to {max(queries)}")
    for kind, found in costs.items():
        spent = sorted(found)
        median, most = statistics.median(spent), spent[int(0.95 * len(spent))]
        print(
            f"  {kind:16} CPU median {median:7.1f} ms ({median / LIMIT:.2f} of the limit),"
            f" 95th percentile {most:7.1f} ms, worst {spent[-1]:7.1f} ms"
        )


def main(lines: int = 998, minutes: int = 20) -> None:
    dice = random.Random(1)
    # As `manage.py watch` does: the addresses are there before the first alert names one.
    call_command("check")
    settle()
    learn(lines)
    write(*(NOW - dice.random() * timedelta(days=28) for _ in range(WRITTEN)), text=ORDINARY)
    about.refresh(NOW)
    print(f"{SeriesState.objects.count()} series on {connection.vendor}, ticks every ten seconds")
    before = memory()
    reading = [measured(tick, NOW + n * timedelta(seconds=1)) for n in range(READING)]
    print(
        f"a process that starts reads all states in {READING} ticks: {sum(reading):.0f} ms CPU, at most"
        f" {max(reading):.0f} ms in one, and holds {memory() - before:.0f} MB more"
    )
    at = NOW + MINUTE
    flooded = min(lines, 20)
    for name, per_minute, some in (
        ("usual, 120 a minute", 120, lines),
        (f"flood, 1,200 a minute on {flooded} lines", 1200, flooded),
        ("flood, 1,200 a minute on every line", 1200, lines),
    ):
        say(name, *ticks(at, minutes, per_minute, some, dice))
        at += minutes * MINUTE


def memory() -> float:
    """Megabytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
