"""Volume over time as the geometry of an SVG: stacked by channel, square-root scale, the expected band. Pure.

What happened meanwhile stands above it: `chart_marks.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from triage.surge.chart_marks import Line, Mark, Number, Span, Stretch, marks_of, numbers_of, stretches_of

# From the bottom up; what is in no other layer is the last one's.
LAYERS = ("phone", "email", "web")
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 22.0, 24.0
# Headroom above the highest value, and the least highest value.
HEADROOM, LEAST = 1.12, 6.0
# Units between grid lines, and what the numbers of updates need above the plot.
GRID_GAP, NUMBERS = 30.0, 20.0
# Bins that one tooltip is about, where a bin is an hour and where it is a minute.
HOURS_AT_ONCE, MINUTES_AT_ONCE = 3, 5


@dataclass(frozen=True, slots=True)
class Bin:
    """What came in one stretch of time, by medium, and what was expected of it with its band."""

    at: datetime
    counts: Mapping[str, int]
    expected: float = 0.0
    low: float = 0.0
    high: float = 0.0
    # Nobody knows what came in: the sources were silent. Drawn as a gap, not as nothing.
    missing: bool = False
    # False: nobody knows yet what is usual then. Nothing is drawn or said of what was expected.
    known: bool = True

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def layer(self, name: str) -> int:
        """Arrivals of a layer; the last layer holds whatever has none of its own."""
        if name != LAYERS[-1]:
            return self.counts.get(name, 0)
        return sum(count for medium, count in self.counts.items() if medium not in LAYERS[:-1])


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates for the template; all of them in the units of the view box."""

    kind: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    areas: list[tuple[str, str]] = field(default_factory=list)
    band: str = ""
    upper: str = ""
    grid: list[Line] = field(default_factory=list)
    ticks: list[Line] = field(default_factory=list)
    days: list[Line] = field(default_factory=list)
    shades: list[Stretch] = field(default_factory=list)
    gaps: list[Stretch] = field(default_factory=list)
    incidents: list[Stretch] = field(default_factory=list)
    marks: list[Line] = field(default_factory=list)
    numbers: list[Line] = field(default_factory=list)
    tips: list[Stretch] = field(default_factory=list)

    @property
    def plot_height(self) -> float:
        return self.bottom - self.top

    @property
    def label_at(self) -> float:
        """Where names of marks stand: above the numbers of updates."""
        return TOP - 9


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is to be drawn: bins of equal width, shaded stretches, incidents, marked moments, numbered updates."""

    bins: Sequence[Bin]
    step: timedelta
    zone: tzinfo
    spans: Sequence[Span] = ()
    incidents: Sequence[Span] = ()
    marks: Sequence[Mark] = ()
    updates: Sequence[Number] = ()

    @property
    def known_from(self) -> datetime | None:
        """From when on it is known what is usual; None where that is not known of any bin."""
        return next((one.at for one in self.bins if one.known), None)

    @property
    def has_unknown(self) -> bool:
        """Whether it is not known of some bin what is usual then."""
        return not all(one.known for one in self.bins)

    @property
    def has_unknown_since(self) -> bool:
        """Whether such bins lie among those of which it is known, or after them."""
        return len(_runs(self.bins, lambda one: not one.known)) > (0 if self.bins[0].known else 1)


def draw(drawing: Drawing, kind: str, width: int, height: int) -> Chart:
    """Lays the drawing out in a box. `kind` is "wide" or "narrow": narrow ones carry half the labels, and no tips."""
    bins = drawing.bins
    left, right, bottom = LEFT, width - RIGHT, height - BOTTOM
    start, end = bins[0].at, bins[-1].at + drawing.step
    updates = [one for one in drawing.updates if start <= one.at <= end]
    top = TOP + (NUMBERS if updates else 0)
    highest = max(max(one.total for one in bins), max(one.high for one in bins), LEAST) * HEADROOM

    def x(at: datetime) -> float:
        return round(left + (right - left) * min(max((at - start) / (end - start), 0.0), 1.0), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - top) * math.sqrt(max(value, 0.0) / highest), 1)

    xs = [x(one.at) for one in bins] + [right]
    return Chart(
        kind,
        width,
        height,
        left,
        right,
        top,
        bottom,
        areas=_areas(bins, xs, y),
        band=_band(bins, xs, y),
        upper=_upper(bins, xs, y),
        grid=[Line(y(value), f"{value:,}") for value in grid_values(highest, bottom - top)],
        ticks=_ticks(drawing, x, half=kind == "narrow"),
        days=_midnights(drawing, x),
        shades=stretches_of(drawing.spans, x, start, end),
        gaps=[Stretch(xs[one.start], round(xs[one.stop] - xs[one.start], 1), "Not known") for one in _gaps(bins)],
        incidents=stretches_of(drawing.incidents, x, start, end),
        marks=marks_of(drawing.marks, x, start, end, right),
        numbers=numbers_of(updates, x, left, right),
        tips=_tips(drawing, xs) if kind == "wide" else [],
    )


def grid_values(highest: float, height: float) -> list[int]:
    """Round values whose lines keep their distance on the square-root scale, the largest that fits included."""
    values: list[int] = []
    previous = 0.0
    for magnitude in range(0, 8):
        for digit in (1, 2, 5):
            value = digit * 10**magnitude
            at = height * math.sqrt(value / highest)
            if value <= highest / 1.02 and at - previous >= GRID_GAP:
                values.append(value)
                previous = at
    return values


def _areas(bins: Sequence[Bin], xs: Sequence[float], y: Callable[[float], float]) -> list[tuple[str, str]]:
    """One closed skyline per layer, each on top of the last, interrupted by gaps."""
    known = _runs(bins, lambda one: not one.missing)
    below = [0.0] * len(bins)
    areas = []
    for name in LAYERS:
        above = [under + one.layer(name) for under, one in zip(below, bins, strict=True)]
        if above != below:
            tops, bottoms = [y(value) for value in above], [y(value) for value in below]
            paths = [_skyline(xs[run.start : run.stop + 1], tops[run], bottoms[run]) for run in known]
            areas.append((name, "".join(paths)))
        below = above
    return areas


def _gaps(bins: Sequence[Bin]) -> list[slice]:
    return _runs(bins, lambda one: one.missing)


def _runs(bins: Sequence[Bin], belongs: Callable[[Bin], bool]) -> list[slice]:
    """The stretches of bins that belong to something, each as long as it can be."""
    runs: list[slice] = []
    for index, one in enumerate(bins):
        if not belongs(one):
            continue
        if runs and runs[-1].stop == index:
            runs[-1] = slice(runs[-1].start, index + 1)
        else:
            runs.append(slice(index, index + 1))
    return runs


def _band(bins: Sequence[Bin], xs: Sequence[float], y: Callable[[float], float]) -> str:
    """The expected band, where it is known what is usual."""
    tops, bottoms = [y(one.high) for one in bins], [y(one.low) for one in bins]
    return "".join(_skyline(xs[run.start : run.stop + 1], tops[run], bottoms[run]) for run in _expecting(bins))


def _upper(bins: Sequence[Bin], xs: Sequence[float], y: Callable[[float], float]) -> str:
    """The upper edge of the band."""
    tops = [y(one.high) for one in bins]
    parts = []
    for run in _expecting(bins):
        steps = _steps(list(zip(xs[run], xs[run.start + 1 : run.stop + 1], tops[run], strict=True)))
        parts.append(f"M{xs[run.start]:g} {tops[run.start]:g}{steps}")
    return "".join(parts)


def _expecting(bins: Sequence[Bin]) -> list[slice]:
    return _runs(bins, lambda one: one.known) if any(one.high for one in bins) else []


def _skyline(xs: Sequence[float], tops: Sequence[float], bottoms: Sequence[float]) -> str:
    """A path along the tops from left to right and back along the bottoms; level stretches are one stroke."""
    forth = _steps(list(zip(xs, xs[1:], tops, strict=False)))
    back = _steps([(right, left, low) for left, right, low in zip(xs, xs[1:], bottoms, strict=False)][::-1])
    return f"M{xs[0]:g} {tops[0]:g}{forth}V{bottoms[-1]:g}{back}Z"


def _steps(runs: Sequence[tuple[float, float, float]]) -> str:
    parts, level = [], runs[0][2]
    for index, (_, to, value) in enumerate(runs):
        if value != level:
            parts.append(f"V{value:g}")
            level = value
        if index + 1 == len(runs) or runs[index + 1][2] != value:
            parts.append(f"H{to:g}")
    return "".join(parts)


def _ticks(drawing: Drawing, x: Callable[[datetime], float], *, half: bool) -> list[Line]:
    """Days by their name at noon where a bin is an hour, half hours where it is a minute."""
    found = []
    for one in drawing.bins:
        local = one.at.astimezone(drawing.zone)
        if drawing.step >= timedelta(hours=1):
            if local.hour == 12:
                found.append(Line(x(one.at), f"{local:%a} {local.day}"))
        elif local.minute % 30 == 0:
            found.append(Line(x(one.at), f"{local:%H:%M}"))
    return found[::-1][::2][::-1] if half else found


def _midnights(drawing: Drawing, x: Callable[[datetime], float]) -> list[Line]:
    if drawing.step < timedelta(hours=1):
        return []
    return [Line(x(one.at)) for one in drawing.bins[1:] if one.at.astimezone(drawing.zone).hour == 0]


def _tips(drawing: Drawing, xs: Sequence[float]) -> list[Stretch]:
    """What a pointer is told of a few bins at once: the figures, by layer, beside what was expected."""
    size = HOURS_AT_ONCE if drawing.step >= timedelta(hours=1) else MINUTES_AT_ONCE
    tips = []
    for first in range(0, len(drawing.bins), size):
        some = drawing.bins[first : first + size]
        width = round(xs[first + len(some)] - xs[first], 1)
        tips.append(Stretch(xs[first], width, _said(some, some[-1].at + drawing.step, drawing.zone)))
    return tips


def _said(bins: Sequence[Bin], end: datetime, zone: tzinfo) -> str:
    start, end = bins[0].at.astimezone(zone), end.astimezone(zone)
    when = f"{start:%a} {start.day}, {start:%H:%M}–{end:%H:%M}"
    if all(one.missing for one in bins):
        return f"{when}: not known"
    parts = [f"{name} {sum(one.layer(name) for one in bins):,}" for name in LAYERS]
    unknown = ", partly not known" if any(one.missing for one in bins) else ""
    expected = f", {sum(one.expected for one in bins):,.0f} expected" if all(one.known for one in bins) else ""
    total = sum(one.total for one in bins)
    return f"{when}: {total:,} ({', '.join(parts)}){expected}{unknown}"
