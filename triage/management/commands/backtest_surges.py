"""`manage.py backtest_surges FILE.csv`: what the detector would have said about one's own history."""

import csv
import json
import math
import multiprocessing
import os
import time
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError

from triage.surge import backtest, backtest_plot
from triage.surge.reading import Reading


class Command(BaseCommand):
    help = (
        "Run the detector causally over a CSV with a header line. Without --count every row is one event; without "
        "--series there is one series. Prints an episode a line, then a summary, as JSON. Needs no database. A bin "
        "without a row is missing where the file writes zeros down, and zero where it leaves them out. An episode's "
        "level is page (a surge, somebody is woken) or notice (worth a look)."
    )
    requires_system_checks: list[str] = []  # type: ignore[assignment]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--time", default="", help="the column with the time; else one with a usual name, or the first"
        )
        parser.add_argument("--count", default="", help="the column with a count; without, every row is one event")
        parser.add_argument("--series", default="", help="the column that names the series; without, there is one")
        parser.add_argument("--bin", type=int, default=1, help="minutes that a row stands for (1)")
        parser.add_argument("--tz", default="UTC", help="zone of times without one, and of the business's week (UTC)")
        parser.add_argument("--scores", type=Path, help="write minute, count, expected and score to this CSV")
        parser.add_argument("--plot", type=Path, help="draw them to this SVG")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.perf_counter()
        if not 1 <= options["bin"] <= 1440:
            raise CommandError("--bin is minutes, 1 to 1440")
        try:
            zone = ZoneInfo(options["tz"])
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise CommandError(f"--tz: there is no zone {options['tz']!r}") from error
        columns = backtest.Columns(options["time"], options["count"], options["series"])
        try:
            with options["file"].open(encoding="utf-8-sig", newline="") as lines:
                histories = backtest.read(lines, columns, zone, options["bin"])
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        except (backtest.BadHistory, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']}: {error}") from error
        found: list[backtest.Found] = []
        # One false alarm a series and year is several a day with many series.
        caution = math.log(len(histories)) if len(histories) > 10 else 0.0
        wants_readings = bool(options["scores"] or options["plot"])
        readings: dict[str, list[Reading]] = {}
        for name, (episodes, seen) in _all(histories, zone, caution, wants_readings).items():
            found += episodes
            readings[name] = seen
            for episode in episodes:
                self.stdout.write(json.dumps(episode.as_json(zone), ensure_ascii=False))
        self.stdout.write(json.dumps(backtest.summary(found, histories, time.perf_counter() - began)))
        if options["scores"]:
            _write_scores(options["scores"], readings, zone)
        if options["plot"]:
            options["plot"].write_text(backtest_plot.draw(readings, found, zone), encoding="utf-8")


def _all(
    histories: dict[str, backtest.History], zone: ZoneInfo, caution: float, keep: bool
) -> dict[str, tuple[list[backtest.Found], list[Reading]]]:
    """Every series' episodes and, where they are wanted, its readings; on all processors where there are several."""
    jobs = [(name, history, zone, caution, keep) for name, history in histories.items()]
    size = sum(len(history.counts) for history in histories.values())
    if len(jobs) < 2 or size < 20_000:
        return dict(map(_one, jobs))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("fork")) as pool:
        return dict(pool.map(_one, jobs))


def _one(
    job: tuple[str, backtest.History, ZoneInfo, float, bool],
) -> tuple[str, tuple[list[backtest.Found], list[Reading]]]:
    name, history, zone, caution, keep = job
    readings: list[Reading] = []
    episodes = backtest.run(name, history, zone, caution=caution, each=readings.append if keep else None)
    return name, (episodes, readings)


def _write_scores(path: Path, readings: dict[str, list[Reading]], zone: ZoneInfo) -> None:
    many = len(readings) > 1
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*(["series"] if many else []), "minute", "count", "expected", "score"])
        for name, seen in readings.items():
            for one in seen:
                said = [one.minute.astimezone(zone).isoformat(), one.count, f"{one.expected:.4f}", f"{one.score:.2f}"]
                rows.writerow([*([name] if many else []), *said])
