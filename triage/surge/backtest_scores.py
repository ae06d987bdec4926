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

    The count of a minute of which nothing is known stays empty.
    """

    def __init__(self, file: TextIO, zone: tzinfo, name: str | None = None) -> None:
        self._file = file
        self._zone = zone
        self._begin = "" if name is None else f"{_field(name)},"
        self._quarter = -1
        self._hour = self._offset = ""
        self._first = 0
        self._expected, self._text = -1.0, ""

    def add(self, one: Reading) -> None:
        at = one.at % QUARTER
        if one.at - at != self._quarter:
            self._turn(one.at - at)
        minute = f"{self._hour}{self._first + at:02}:00{self._offset}"
        count = "" if one.count is None else one.count
        # Most of a file: nothing is unusual, and as much is expected as in the minute before.
        score = f"{one.score:.2f}" if one.score else "0.00"
        if one.expected != self._expected:
            self._expected, self._text = one.expected, f"{one.expected:.4f}"
        self._file.write(f"{self._begin}{minute},{count},{self._text},{score}\r\n")

    def _turn(self, quarter: int) -> None:
        """Takes a time apart once in a quarter of an hour: clocks change between two of them."""
        local = time_of(quarter).astimezone(self._zone)
        said = local.isoformat()
        self._quarter, self._first = quarter, local.minute
        self._hour, self._offset = said[: len("2026-03-01T12:")], said[len("2026-03-01T12:00:00") :]


def header(several: bool) -> str:
    """The first line."""
    return ",".join([*(["series"] if several else []), *COLUMNS]) + "\r\n"


def _field(text: str) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()
