"""What a backtest says of every minute, line by line as it is found: memory does not hold a year of many series."""

import csv
from datetime import tzinfo
from io import StringIO
from typing import TextIO

from triage.surge.outlook import QUARTER
from triage.surge.quarters import time_of
from triage.surge.reading import Reading

COLUMNS = ("minute", "count", "expected", "score")


class Scores:
    """Writes one series' readings as lines of a CSV, each begun with `name` where there are several series.

    The count of a minute of which nothing is known stays empty. A quarter of an hour is written in one go, and its time
    taken apart once: clocks change between two of them.
    """

    def __init__(self, file: TextIO, zone: tzinfo, name: str | None = None) -> None:
        self._file = file
        self._zone = zone
        self._begin = "" if name is None else f"{_field(name)},"
        self._quarter: list[Reading] = []

    def add(self, one: Reading) -> None:
        if self._quarter and one.at // QUARTER != self._quarter[0].at // QUARTER:
            self.write()
        self._quarter.append(one)

    def write(self) -> None:
        """Writes what was added last; to be called at the end."""
        if not self._quarter:
            return
        first = self._quarter[0].at
        local = time_of(first).astimezone(self._zone)
        said = local.isoformat()
        hour, offset = self._begin + said[: len("2026-03-01T12:")], said[len("2026-03-01T12:00:00") :]
        minute = local.minute - first
        self._file.write(
            "".join(
                f"{hour}{minute + one.at:02}:00{offset},{'' if one.count is None else one.count},{one.expected:.4f},"
                f"{one.score:.2f}\r\n"
                for one in self._quarter
            )
        )
        self._quarter.clear()


def header(several: bool) -> str:
    """The first line."""
    return ",".join([*(["series"] if several else []), *COLUMNS]) + "\r\n"


def _field(text: str) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()
