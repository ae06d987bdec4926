"""Volume over time as the geometry of an SVG: stacked by channel, square-root scale, the expected band. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

# From the bottom up; what is in no other layer is the last one's.
LAYERS = ("phone", "email", "web")
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 22.0, 24.0
# Headroom above the highest value, and the least highest value.
HEADROOM, LEAST = 1.12, 6.0
# Units between grid lines, and between labels of marks.
GRID_GAP, LABEL_GAP = 30.0, 84.0


@dataclass(frozen=True, slots=True)
class Bin:
    """What came in one stretch of time, by medium, and what was expected of it with its band."""

    at: datetime
    counts: Mapping[str, int]
    expected: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def layer(self, name: str) -> int:
        """Arrivals of a layer; the last layer holds whatever has none of its own."""
        if name != LAYERS[-1]:
            return self.counts.get(name, 0)
        return sum(count for medium, count in self.counts.items() if medium not in LAYERS[:-1])


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch to be shaded, such as a surge; open ones reach to the end."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment with a name, such as entering incident mode."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A grid line, a tick or a mark at one coordinate. `end`: the label stands before it."""

    at: float
    label: str = ""
    end: bool = False


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
    shades: list[tuple[float, float]] = field(default_factory=list)
    marks: list[Line] = field(default_factory=list)

    @property
    def plot_height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is to be drawn: bins of equal width, shaded stretches, marked moments."""

    bins: Sequence[Bin]
    step: timedelta
    zone: tzinfo
    spans: Sequence[Span] = ()
    marks: Sequence[Mark] = ()


def draw(drawing: Drawing, kind: str, width: int, height: int) -> Chart:
    """Lays the drawing out in a box. `kind` is "wide" or "narrow": narrow ones carry half the labels."""
    bins = drawing.bins
    left, right, top, bottom = LEFT, width - RIGHT, TOP, height - BOTTOM
    start, end = bins[0].at, bins[-1].at + drawing.step
    highest = max(max(one.total for one in bins), max(one.high for one in bins), LEAST) * HEADROOM

    def x(at: datetime) -> float:
        return round(left + (right - left) * min(max((at - start) / (end - start), 0.0), 1.0), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - top) * math.sqrt(max(value, 0.0) / highest), 1)

    return Chart(
        kind,
        width,
        height,
        left,
        right,
        top,
        bottom,
        areas=_areas(bins, [x(one.at) for one in bins] + [right], y),
        band=_band(bins, [x(one.at) for one in bins] + [right], y),
        upper=_upper(bins, [x(one.at) for one in bins] + [right], y),
        grid=[Line(y(value), f"{value:,}") for value in grid_values(highest, bottom - top)],
        ticks=_ticks(drawing, x, half=kind == "narrow"),
        days=_midnights(drawing, x),
        shades=[(x(span.start), round(max(x(span.end or end) - x(span.start), 2.0), 1)) for span in drawing.spans],
        marks=_marks(drawing.marks, x, start, end, right),
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
    """One closed skyline per layer, each on top of the last."""
    below = [0.0] * len(bins)
    areas = []
    for name in LAYERS:
        above = [under + one.layer(name) for under, one in zip(below, bins, strict=True)]
        if above != below:
            areas.append((name, _skyline(xs, [y(value) for value in above], [y(value) for value in below])))
        below = above
    return areas


def _band(bins: Sequence[Bin], xs: Sequence[float], y: Callable[[float], float]) -> str:
    if not any(one.high for one in bins):
        return ""
    return _skyline(xs, [y(one.high) for one in bins], [y(one.low) for one in bins])


def _upper(bins: Sequence[Bin], xs: Sequence[float], y: Callable[[float], float]) -> str:
    if not any(one.high for one in bins):
        return ""
    tops = [y(one.high) for one in bins]
    return f"M{xs[0]:g} {tops[0]:g}" + _steps(list(zip(xs, xs[1:], tops, strict=False)))


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


def _marks(
    marks: Sequence[Mark], x: Callable[[datetime], float], start: datetime, end: datetime, right: float
) -> list[Line]:
    """Marks within the chart; a label that would run into the next one or out of the chart stands before its line."""
    found: list[Line] = []
    labelled = -LABEL_GAP
    for mark in sorted(marks, key=lambda one: one.at):
        if not start <= mark.at <= end:
            continue
        at = x(mark.at)
        label = mark.label if at - labelled >= LABEL_GAP else ""
        labelled = at if label else labelled
        found.append(Line(at, label, end=at > right - LABEL_GAP))
    return found
