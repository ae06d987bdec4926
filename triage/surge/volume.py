"""What the control room shows of volume: ten days by the hour, three hours by the minute, now against what is usual."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from triage.models import HourCount, Incident, MinuteCount, SeriesState, Surge, Update
from triage.surge import gaps
from triage.surge.baseline import minute_of
from triage.surge.chart import Bin, Drawing
from triage.surge.chart_marks import Mark, Number, Span
from triage.surge.counts import HOUR, MINUTE, floor
from triage.surge.detector import Detector
from triage.surge.series import ALL, MEDIUM
from triage.surge.tick import detector_of

DAYS = 10
HOURS = 3
# Expected requests below which "times usual" would say more than is known.
LEAST_EXPECTED = 3.0
# A channel that brings so large a share of the requests is what it is mostly about.
MOSTLY = 0.6
# Surges, incidents and updates marked in the charts.
SURGES, INCIDENTS, UPDATES = 50, 20, 30


@dataclass(frozen=True, slots=True)
class Told:
    """An update under the number it has in the charts."""

    number: int
    update: Update


@dataclass(frozen=True, slots=True)
class Volume:
    """Both drawings, and the figures beside them.

    `expected_hour` is None where nobody knows yet what is usual now, `times` also where too little is.
    """

    days: Drawing
    minutes: Drawing
    last_hour: int
    expected_hour: float | None
    times: float | None
    mostly: str
    updates: Sequence[Told] = ()


def volume(now: datetime, surge: Surge | None) -> Volume:
    """Everything about volume as of `now`: eight queries, however much there is."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    state = SeriesState.objects.filter(series=ALL).first()
    detector = detector_of(state.state) if state and state.state else None
    first_hour = now.replace(minute=0, second=0, microsecond=0) - (DAYS * 24 - 1) * HOUR
    updates = _updates(first_hour)
    marked = _marked(first_hour, updates)
    silent = gaps.between(first_hour, now).get(ALL, [])
    days = _bins(_hours(first_hour), first_hour, HOUR, DAYS * 24, detector, silent)
    first_minute = floor(now) - (HOURS * 60 - 1) * MINUTE
    minutes = _bins(_minutes(first_minute), first_minute, MINUTE, HOURS * 60, detector, silent)
    recent = minutes[-60:]
    expected = sum(one.expected for one in recent) if all(one.known for one in recent) else None
    return Volume(
        days=Drawing(days, HOUR, zone, **marked),
        minutes=Drawing(minutes, MINUTE, zone, **marked),
        last_hour=sum(one.total for one in recent),
        expected_hour=expected,
        times=_times(state, surge, sum(one.total for one in recent), expected),
        mostly=mostly(recent[-15:] if surge else recent),
        updates=updates,
    )


def _times(state: SeriesState | None, surge: Surge | None, last_hour: int, expected: float | None) -> float | None:
    """In a surge the last minutes count, in quiet times the last hour: few requests in few minutes say nothing."""
    if surge is not None and state is not None:
        return state.ratio
    return last_hour / expected if expected is not None and expected >= LEAST_EXPECTED else None


def mostly(bins: Sequence[Bin]) -> str:
    """The medium that brings most of the requests; empty where none does."""
    sums: dict[str, int] = defaultdict(int)
    for one in bins:
        for medium, count in one.counts.items():
            sums[medium] += count
    total = sum(sums.values())
    return next((medium for medium, count in sums.items() if count >= MOSTLY * total), "") if total else ""


Counted = Mapping[datetime, Mapping[str, int]]


def _hours(start: datetime) -> Counted:
    rows = HourCount.objects.filter(hour__gte=start, series__startswith=MEDIUM)
    return _by_time(rows.values_list("hour", "series", "arrivals"))


def _minutes(start: datetime) -> Counted:
    rows = MinuteCount.objects.filter(minute__gte=start, series__startswith=MEDIUM)
    return _by_time(rows.values_list("minute", "series", "arrivals"))


def _by_time(rows: Iterable[tuple[datetime, str, int]]) -> Counted:
    found: dict[datetime, dict[str, int]] = defaultdict(dict)
    for at, series, arrivals in rows:
        found[at][series.partition(":")[2]] = arrivals
    return found


def _bins(
    counted: Counted, start: datetime, step: timedelta, number: int, detector: Detector | None, silent: gaps.Spans
) -> list[Bin]:
    """Bins of equal width. What is expected is told where it is known; where nothing was heard, nobody knows."""
    first, minutes = minute_of(start), step // MINUTE
    expected = detector.expect(start, minutes, number) if detector else []
    known = detector.baseline.tells(first, minutes, number, detector.zone) if detector else [False] * number
    bins = []
    for n in range(number):
        counts, at = counted.get(start + n * step, {}), first + n * minutes
        missing = not counts and any(began < at + minutes and at < until for began, until in silent)
        figures = expected[n] if known[n] else (0.0, 0.0, 0.0)
        bins.append(Bin(start + n * step, counts, *figures, missing=missing, known=known[n]))
    return bins


def _marked(start: datetime, updates: Sequence[Told]) -> dict[str, Any]:
    """Surges, incidents and updates since, as both drawings bear them."""
    incidents = _incidents(start)
    entered = [Mark(one.start, "Incident mode") for one in incidents]
    return {
        "spans": _surges(start),
        "incidents": incidents,
        "marks": entered + [Mark(one.end, "Left") for one in incidents if one.end],
        "updates": [Number(one.update.at, one.number) for one in updates],
    }


def _surges(start: datetime) -> list[Span]:
    later = Q(ended_at=None) | Q(ended_at__gte=start)
    real = Surge.objects.filter(later, parent=None, dismissed_at=None, level=Surge.Level.PAGE)
    found = real.order_by("-began_at")[:SURGES]
    return [Span(one.began_at, one.ended_at, f"Surge, peak ×{one.peak_ratio:.0f}") for one in found]


def _incidents(start: datetime) -> list[Span]:
    later = Q(left_at=None) | Q(left_at__gte=start)
    found = Incident.objects.filter(later).order_by("-pk").values_list("entered_at", "left_at", "problem__title")
    return [Span(entered, left, f"Incident mode: {title}") for entered, left, title in found[:INCIDENTS]]


def _updates(start: datetime) -> list[Told]:
    """The newest updates since, numbered from the first of them on."""
    found = Update.objects.filter(at__gte=start).select_related("incident__problem")[:UPDATES]
    return [Told(number, one) for number, one in enumerate(reversed(found), 1)]
