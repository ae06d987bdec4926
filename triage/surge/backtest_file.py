"""The file of a backtest: a CSV with a header line becomes each series' counts. No Django, no database.

A long one is read in parts, on all processors.
"""

import csv
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from triage.surge.backtest import History
from triage.surge.backtest_jobs import processes
from triage.surge.quarters import minute_of

if TYPE_CHECKING:
    from _csv import Reader

TIME_NAMES = (
    "time",
    "timestamp",
    "datetime",
    "date",
    "created_at",
    "created",
    "at",
    "minute",
    "bin_start",
    "event_time",
)
# A byte order mark is left out.
ENCODING = "utf-8-sig"
# Bytes up to which starting processes takes as long as reading them (measured), and that are looked at in one go.
SHORT = 4_000_000
BLOCK = 1_000_000
# The usual ways to write a time: ten minutes, the minute in them, and the zone.
TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:[0-5])(\d)(?::[0-5]\d(?:\.\d+)?)?(|Z|[+-]\d\d(?::?\d\d)?)", re.ASCII)
DIGITS = {str(n): n for n in range(10)}


class BadHistory(ValueError):
    """The file cannot be understood; says where and why in one line."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns say what; empty: the time by a usual name or the first, each row one event, all one series."""

    time: str = ""
    count: str = ""
    series: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where they stand in a row; -1: nowhere."""

    time: int
    count: int
    series: int


@dataclass(slots=True)
class Counted:
    """Arrivals of each series by the first minute of their bin. `zeros`: the file writes bins down in which none came.

    `Counted` of several parts of a file add up.
    """

    series: dict[str, dict[int, int]]
    zeros: bool

    def __iadd__(self, other: "Counted") -> "Counted":
        self.zeros = self.zeros or other.zeros
        for name, counts in other.series.items():
            mine = self.series.setdefault(name, {})
            both = {at: mine[at] + counts[at] for at in mine.keys() & counts.keys()}
            mine.update(counts)
            mine.update(both)
        return self

    def histories(self, step: int) -> dict[str, History]:
        """BadHistory where there is none."""
        if not self.series:
            raise BadHistory("the file has no rows")
        # Who writes zeros down has seen nothing where a bin is missing; who does not leaves them out.
        return {name: History(counts, step, gaps=self.zeros) for name, counts in sorted(self.series.items())}


def read_file(path: Path, columns: Columns, zone: tzinfo, step: int = 1) -> dict[str, History]:
    """Each series of a CSV with a header line, in bins of `step` minutes. BadHistory, OSError, UnicodeDecodeError."""
    # What is piped in can be read once.
    parts = _parts(path, os.cpu_count() or 1) if path.is_file() else []
    if len(parts) > 1:
        with path.open(encoding=ENCODING, newline="") as lines:
            places = _places(csv.reader(lines), columns)
        try:
            with processes() as pool:
                whole, *others = pool.map(partial(_read_part, path, places, zone, step), parts)
            for other in others:
                whole += other
            return whole.histories(step)
        except (BadHistory, UnicodeDecodeError):
            # In which line of the file it stands is known to who reads all of it.
            pass
    with path.open(encoding=ENCODING, newline="") as lines:
        return read(lines, columns, zone, step)


def read(lines: Iterable[str], columns: Columns, zone: tzinfo, step: int = 1) -> dict[str, History]:
    """The same from its lines. BadHistory."""
    rows = csv.reader(lines)
    return _counted(rows, _places(rows, columns), zone, step).histories(step)


def _parts(path: Path, number: int) -> list[tuple[int, int]]:
    """Where a long file may be read from and how many lines: at most `number` parts; none begins within quotes."""
    parts: list[tuple[int, int]] = []
    begin = at = lines = quotes = 0
    size = path.stat().st_size
    if size <= SHORT:
        return parts
    with path.open("rb") as file:
        for part in range(1, number + 1):
            while at < size * part // number and (block := file.read(min(BLOCK, size * part // number - at))):
                at, lines, quotes = at + len(block), lines + block.count(b"\n"), quotes + block.count(b'"')
            for line in file:
                at, lines, quotes = at + len(line), lines + 1, quotes + line.count(b'"')
                if quotes % 2 == 0:
                    break
            if at > begin:
                parts.append((begin, lines))
            begin, lines = at, 0
    # The last line of a file may lack its end.
    begin, lines = parts.pop()
    return [*parts, (begin, lines + 1)]


def _read_part(path: Path, places: Places, zone: tzinfo, step: int, part: tuple[int, int]) -> Counted:
    begin, number = part
    with path.open("rb") as file:
        file.seek(begin)
        # Other ends of lines than those that were counted are an error here, and then read as a whole.
        rows = csv.reader(islice(TextIOWrapper(file, ENCODING, newline="\n"), number))
        if not begin:
            next(rows)
        return _counted(rows, places, zone, step)


def _places(rows: "Reader", columns: Columns) -> Places:
    try:
        names = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise BadHistory(f"line {rows.line_num}: {error}") from error
    if not names:
        raise BadHistory("the file is empty; its first line should name the columns")
    time_name = columns.time or next((name for name in names if name.lower() in TIME_NAMES), names[0])
    wanted = (time_name, columns.count, columns.series)
    for name in wanted:
        if name and name not in names:
            raise BadHistory(f"there is no column {name!r}; there are {', '.join(names)}")
    return Places(*(names.index(name) if name else -1 for name in wanted))


def _counted(rows: "Reader", places: Places, zone: tzinfo, step: int) -> Counted:
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    time_at, count_at, series_at = places.time, places.count, places.series
    zeros, last, at, moments = False, None, 0, _Moments(zone)
    numbers: dict[str, int] = {}
    try:
        for row in rows:
            if not row:
                continue
            # A file of several series has as many rows of the same minute.
            if (text := row[time_at] if time_at < len(row) else "") != last:
                last, at = text, moments.minute(text.strip())
                at -= at % step
            count = 1
            if count_at >= 0:
                text = row[count_at] if count_at < len(row) else ""
                if text not in numbers:
                    numbers[text] = _number(text)
                count = numbers[text]
                zeros = zeros or not count
            found["all" if series_at < 0 else row[series_at] if series_at < len(row) else ""][at] += count
    except (csv.Error, _BadField) as error:
        raise BadHistory(f"line {rows.line_num}: {error}") from error
    return Counted({name: dict(counts) for name, counts in found.items()}, zeros)


class _BadField(ValueError):
    """A field that cannot be understood."""


class _Moments:
    """Times of a file in minutes as of `minute_of`. One is taken apart for ten minutes: clocks change between them."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._ten = "", ""
        self._first = 0
        # The zone in what may follow a minute, as the pattern has found it before; with fractions there are too many.
        self._zones: dict[str, str] = {}

    def minute(self, value: str) -> int:
        """_BadField."""
        at, rest = value[15:16], value[16:]
        if rest in self._zones and (value[:15], self._zones[rest]) == self._ten and at in DIGITS:
            return self._first + DIGITS[at]
        usual = TIME.fullmatch(value)
        if usual is None:
            return self._taken_apart(value)
        ten, at, zone = usual.groups()
        if (ten, zone) != self._ten:
            self._first, self._ten = self._taken_apart(value) - DIGITS[at], (ten, zone)
        if "." not in rest:
            self._zones[rest] = zone
        return self._first + DIGITS[at]

    def _taken_apart(self, value: str) -> int:
        try:
            if _is_number(value):
                return minute_of(datetime.fromtimestamp(float(value), UTC))
            at = datetime.fromisoformat(value)
            return minute_of(at if at.tzinfo else at.replace(tzinfo=self._zone))
        except (ValueError, OverflowError, OSError) as error:
            raise _BadField(f"{value[:40]!r} is no time; write 2026-03-01 12:00:00 or Unix seconds") from error


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and len(text) >= 9


def _number(text: str) -> int:
    try:
        if text.isdigit():
            return int(text)
        number = float(text.strip() or "0")
        if number < 0 or number != int(number):
            raise ValueError
        return int(number)
    except (ValueError, OverflowError) as error:
        raise _BadField(f"{text[:40]!r} is no count") from error
