"""`manage.py backtest_surges FILE.csv`: what the detector would have said about one's own history."""

import json
import math
import shutil
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError

from triage.surge import backtest, backtest_file, backtest_plot
from triage.surge.backtest_jobs import Job, run_all
from triage.surge.backtest_scores import header


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
        zone, histories = _read(options)
        # One false alarm a series and year is several a day with many series.
        caution = math.log(len(histories)) if len(histories) > 10 else 0.0
        several, found, traces = len(histories) > 1, [], {}
        # Both are opened before the work begins: a folder that is not there is told at once.
        with TemporaryDirectory() as folder, _opened(options["scores"]) as scores, _opened(options["plot"]) as plot:
            if scores:
                scores.write(header(several))
            parts = [Path(folder, str(place)) if scores else None for place in range(len(histories))]
            jobs = [
                Job(name, history, zone, caution, part, name if several else None, plot is not None)
                for part, (name, history) in zip(parts, histories.items(), strict=True)
            ]
            for done in run_all(jobs):
                found += done.found
                for episode in done.found:
                    self.stdout.write(json.dumps(episode.as_json(zone), ensure_ascii=False))
                if done.trace:
                    traces[done.job.name] = done.trace
                if scores and done.job.scores:
                    _move(done.job.scores, scores)
            if plot:
                plot.write(backtest_plot.draw(traces, found, zone))
        self.stdout.write(json.dumps(backtest.summary(found, histories, time.perf_counter() - began)))


def _read(options: Mapping[str, Any]) -> tuple[ZoneInfo, dict[str, backtest.History]]:
    if not 1 <= options["bin"] <= 1440:
        raise CommandError("--bin is minutes, 1 to 1440")
    try:
        zone = ZoneInfo(options["tz"])
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CommandError(f"--tz: there is no zone {options['tz']!r}") from error
    columns = backtest_file.Columns(options["time"], options["count"], options["series"])
    try:
        return zone, backtest_file.read_file(options["file"], columns, zone, options["bin"])
    except OSError as error:
        raise CommandError(f"{options['file']}: {error.strerror}") from error
    except (backtest_file.BadHistory, UnicodeDecodeError) as error:
        raise CommandError(f"{options['file']}: {error}") from error


def _opened(path: Path | None) -> AbstractContextManager[TextIO | None]:
    try:
        return path.open("w", encoding="utf-8", newline="") if path else nullcontext()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _move(part: Path, whole: TextIO) -> None:
    with part.open(encoding="utf-8", newline="") as lines:
        shutil.copyfileobj(lines, whole)
    part.unlink()
