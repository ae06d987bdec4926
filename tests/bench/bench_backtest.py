"""The backtest as it is run, from a CSV to its episodes, beside a pass that only reads the same file and adds it up."""

import csv
import json
import random
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command

GOAL = 100_000  # series-hours a minute
START = datetime(2026, 3, 2, tzinfo=UTC)


def main(days: int = 60, series: int = 8) -> None:
    with TemporaryDirectory() as folder:
        scores = ["--scores", str(Path(folder, "scores.csv"))]
        for number, counted, more in ((series, False, []), (series, True, []), (series, True, scores), (1, True, [])):
            path = Path(folder, "history.csv")
            _write(path, days, number, counted)
            options = ["--series", "series", *(["--count", "count"] if counted else []), *more]
            rate, ratio = _measured(path, options)
            rows = "a row each minute" if counted else "a row each arrival"
            print(
                f"{number} series of {days} days, {rows}{', with scores' if more else ''}: {rate:,.0f} series-hours a "
                f"minute (goal {GOAL:,}); ratio to reading the file: {ratio:.1f}",
                flush=True,
            )


def _write(path: Path, days: int, series: int, counted: bool) -> None:
    chance = random.Random(1)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "series", *(["count"] if counted else [])])
        for minute in range(days * 1440):
            at = (START + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")
            for which in range(series):
                came = chance.random() < 0.3
                if counted or came:
                    rows.writerow([at, f"series {which}", *([int(came)] if counted else [])])


def _measured(path: Path, options: list[str]) -> tuple[float, float]:
    began = time.perf_counter()
    with path.open(newline="") as file:
        assert sum(int(row.get("count") or 1) for row in csv.DictReader(file))
    bare = time.perf_counter() - began
    out = StringIO()
    began = time.perf_counter()
    call_command("backtest_surges", str(path), *options, stdout=out)
    took = time.perf_counter() - began
    return json.loads(out.getvalue().splitlines()[-1])["series_hours"] / took * 60, took / bare
