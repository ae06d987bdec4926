"""The series that detectors are compared on: real ones by the minute, with what is known of each in hindsight."""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from triage.surge.quarters import EPOCH, minute_of

WEEK = 7 * 1440
PHILADELPHIA = ZoneInfo("America/New_York")
CHICAGO = ZoneInfo("America/Chicago")
# Days of bad weather around Philadelphia, written down from general knowledge before any detector had run.
WEATHER = (
    ("2015-12-23 06:00", "2015-12-24 12:00"),  # rain and floods
    ("2016-01-10 06:00", "2016-01-11 06:00"),  # rain and wind
    ("2016-01-12 12:00", "2016-01-13 12:00"),  # a snow squall in the evening traffic
    ("2016-01-22 18:00", "2016-01-28 00:00"),  # the blizzard, and digging out
    ("2016-02-05 00:00", "2016-02-06 00:00"),  # wet snow in the morning
    ("2016-02-15 06:00", "2016-02-17 12:00"),  # snow, ice, then rain and wind
    ("2016-02-24 12:00", "2016-02-26 06:00"),  # thunderstorms
    ("2016-04-02 18:00", "2016-04-04 12:00"),  # gales
)


@dataclass(slots=True)
class Series:
    """One series by the minute. `counts` and `truth` (what is usual, known in hindsight) from minute `start` on.

    `events`: minutes in which an alarm is not false. `judged`: the first and the end of the minutes that are judged.
    """

    name: str
    family: str
    zone: ZoneInfo
    start: int
    counts: np.ndarray
    truth: np.ndarray
    judged: tuple[int, int]
    events: list[tuple[int, int]] = field(default_factory=list)

    def mean(self) -> float:
        """Arrivals a minute."""
        return float(self.truth.mean())

    def ordinary(self) -> np.ndarray:
        """Where an alarm would be false: judged, and outside of events."""
        mask = np.zeros(len(self.counts), bool)
        mask[self.judged[0] : self.judged[1]] = True
        for first, end in self.events:
            mask[max(first, 0) : max(end, 0)] = False
        return mask

    def years(self) -> float:
        """Judged series-years."""
        return float(self.ordinary().sum()) / 525_960

    def local_hours(self) -> np.ndarray:
        return week_minutes(self.start, len(self.counts), self.zone) % 1440 / 60


def week_minutes(start: int, number: int, zone: ZoneInfo) -> np.ndarray:
    """The local minute of the week (Monday 0:00 is 0) of each minute."""
    found = np.empty(number, np.int32)
    for at in range(0, number, 60):
        local = (EPOCH + timedelta(minutes=start + at)).astimezone(zone)
        first = local.weekday() * 1440 + local.hour * 60 + local.minute
        found[at : at + 60] = (first + np.arange(min(60, number - at))) % WEEK
    return found


def hindsight(counts: np.ndarray, of_week: np.ndarray, spared: np.ndarray) -> np.ndarray:
    """What was usual, from the whole series without its events: by quarter of the week, smoothed the more the rarer."""
    quarters = of_week // 15
    seen = np.bincount(quarters[spared], minlength=672).astype(float)
    total = np.bincount(quarters[spared], weights=counts[spared], minlength=672)
    if total.sum() / 672 < 20:
        for sums in (seen, total):
            sums[:480] = np.tile(sums[:480].reshape(5, 96).sum(0), 5)
    width = min(max(60 / max(total.mean(), 1e-9), 0.3), 8.0)
    reach = np.arange(-24, 25)
    kernel = np.exp(-((reach / width) ** 2) / 2)
    smooth = [
        sum(weight * np.roll(sums, at) for at, weight in zip(reach, kernel, strict=True)) for sums in (total, seen)
    ]
    return np.maximum(smooth[0] / np.maximum(smooth[1], 1e-9), 1e-5)[quarters]


def real(folder: Path, half: str) -> list[Series]:
    """All real series. `half`: "first" is for tuning; "second" has been judged on alone, after the constants froze."""
    return [*_emergency(folder, half), *_bank(folder, half), *_hospital(folder, half)]


def _made(
    name: str, family: str, zone: ZoneInfo, times: Counter[int], half: str, events: Iterable[tuple[int, int]]
) -> Series:
    start, end = min(times), max(times) + 1
    start -= start % 1440
    counts = np.zeros(end - start, np.int32)
    for minute, number in times.items():
        counts[minute - start] = number
    spared = np.ones(len(counts), bool)
    events = [(first - start, last - start) for first, last in events]
    for first, last in events:
        spared[max(first, 0) : max(last, 0)] = False
    middle = len(counts) // 2
    judged = (min(21 * 1440, middle // 2), middle) if half == "first" else (middle, len(counts))
    truth = hindsight(counts, week_minutes(start, len(counts), zone), spared)
    return Series(name, family, zone, start, counts, truth, judged, events)


def _local(text: str, zone: ZoneInfo) -> int:
    return minute_of(datetime.fromisoformat(text).replace(tzinfo=zone))


AREAS = ("LOWER MERION", "ABINGTON", "NORRISTOWN", "UPPER MERION")
CATEGORIES = ("EMS", "Traffic", "Fire")


def _emergency(folder: Path, half: str) -> list[Series]:
    """Emergency calls: all and by category; the areas are judged on in the second half alone, tuned on never."""
    rows = _calls(folder)
    chosen = {"all": rows} | {name: [row for row in rows if row["category"] == name] for name in CATEGORIES}
    for name in AREAS if half == "second" else ():
        chosen[name] = [row for row in rows if row["area"] == name]
    found = [_of_calls(f"emergency {name}", "emergency", some, half) for name, some in chosen.items()]
    return [*found, _of_calls("emergency as polled", "polled", rows, half, "feed_time")]


def corners(folder: Path) -> list[Series]:
    """Emergency calls of one category in one area, second half: for false pages alone, tuned on never.

    What is in them is in the areas and the categories too, so they are no proof of their own.
    """
    some: dict[tuple[str, str], list[dict[str, str]]] = {(area, name): [] for area in AREAS for name in CATEGORIES}
    for row in _calls(folder):
        some.get((row["area"], row["category"]), []).append(row)
    return [_of_calls(f"{area} {name}", "corners", rows, "second") for (area, name), rows in some.items()]


def _calls(folder: Path) -> list[dict[str, str]]:
    with (folder / "surge" / "emergency_calls.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _of_calls(name: str, family: str, rows: Iterable[dict[str, str]], half: str, column: str = "event_time") -> Series:
    times = Counter(_local(row[column], PHILADELPHIA) for row in rows)
    events = [(_local(first, PHILADELPHIA), _local(end, PHILADELPHIA)) for first, end in WEATHER]
    return _made(name, family, PHILADELPHIA, times, half, events)


def _bank(folder: Path, half: str) -> list[Series]:
    """Calls to a bank, their bins of five minutes spread by seeded dice, whole and thinned."""
    dice = np.random.default_rng(2003)
    with (folder / "surge" / "bank_calls_5min.csv").open(newline="") as file:
        bins = [(_local(row["bin_start"], PHILADELPHIA), int(row["count"])) for row in csv.DictReader(file)]
    found = []
    for name, share in (("whole", 1.0), ("a tenth", 0.1), ("a hundredth", 0.01), ("a thousandth", 0.001)):
        times: Counter[int] = Counter()
        for start, count in bins:
            for at, number in enumerate(dice.multinomial(dice.binomial(count, share), [0.2] * 5)):
                times[start + at] += int(number)
        found.append(_made(f"bank {name}", "bank", PHILADELPHIA, times, half, ()))
    return found


def _hospital(folder: Path, half: str) -> list[Series]:
    """Arrivals at an emergency department, their hours spread evenly at random by seeded dice."""
    dice = np.random.default_rng(2013)
    times: Counter[int] = Counter()
    with (folder / "surge" / "emergency_department_hourly.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            start = _local(row["hour_start"], CHICAGO)
            for at, number in enumerate(dice.multinomial(int(row["count"]), [1 / 60] * 60)):
                times[start + at] += int(number)
    return [_made("hospital", "hospital", CHICAGO, times, half, ())]
