"""The backtest's speed on simulated series, one and many, beside a pass that only adds the same minutes up."""

import random
import time
from zoneinfo import ZoneInfo

from triage.management.commands.backtest_surges import _all
from triage.surge.backtest import History

GOAL = 100_000  # series-hours a minute


def main(days: int = 60, series: int = 8) -> None:
    chance = random.Random(1)
    histories = {
        f"series {which}": History({m: int(chance.random() < 0.3) for m in range(3_000_000, 3_000_000 + days * 1440)})
        for which in range(series)
    }
    began = time.perf_counter()
    added = sum(count or 0 for history in histories.values() for _, count in history.minutes())
    bare = time.perf_counter() - began
    assert added
    for number in (1, series):
        some = dict(list(histories.items())[:number])
        began = time.perf_counter()
        _all(some, ZoneInfo("UTC"), 0.0, keep=False)
        took = time.perf_counter() - began
        rate = number * days * 24 / took * 60
        print(f"{number} series of {days} days: {rate:,.0f} series-hours a minute (goal {GOAL:,})")
        print(f"ratio to adding the minutes up: {took / (bare * number / series):.0f}")
