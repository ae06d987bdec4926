"""The picture of a backtest: arrivals an hour, what was expected, and the episodes shaded, a panel for each series."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from html import escape

from triage.surge.backtest import Found
from triage.surge.quarters import time_of
from triage.surge.reading import Reading

# Pixels; and panels at the most, the busiest first.
WIDTH, HEIGHT, LEFT, TOP, GAP = 1200, 150, 70, 40, 50
INNER = WIDTH - LEFT - 10
PANELS = 30
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.name{font-weight:600}.count{fill:#9bb8d9}.expected{fill:none;"
    "stroke:#174ea6;stroke-width:1}.page{fill:#c5221f;opacity:.25}.notice{fill:#e8a100;opacity:.25}.axis{stroke:#999}"
)


@dataclass(slots=True)
class Trace:
    """A series' minutes, `number` of them, in as many bins as a panel has pixels: all that a picture needs of them.

    `starts`: each bin's first minute. `sizes`: minutes in it. `last`: the last minute.
    """

    number: int
    last: int = 0
    starts: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)

    def add(self, one: Reading) -> None:
        """Takes the next minute."""
        if not self.sizes or self.sizes[-1] * INNER >= self.number:
            self.starts.append(one.at)
            self.sizes.append(0)
            self.counts.append(0)
            self.expected.append(0.0)
        self.sizes[-1] += 1
        self.counts[-1] += one.count or 0
        self.expected[-1] += one.expected
        self.last = one.at


def draw(traces: Mapping[str, Trace], found: Sequence[Found], zone: tzinfo) -> str:
    """An SVG document."""
    busiest = sorted(traces, key=lambda name: -sum(traces[name].counts))[:PANELS]
    names = [name for name in traces if name in busiest]
    height = TOP + len(names) * (HEIGHT + GAP)
    panels = [
        _panel(name, traces[name], [one for one in found if one.series == name], zone, TOP + place * (HEIGHT + GAP))
        for place, name in enumerate(names)
    ]
    left_out = f", the busiest {PANELS} of {len(traces)} series" if len(traces) > PANELS else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
        f"<style>{STYLE}</style><rect width='100%' height='100%' fill='white'/>"
        f'<text x="{LEFT}" y="20">Arrivals an hour, expected (line), pages (red), notices (yellow){left_out}</text>'
        f"{''.join(panels)}</svg>\n"
    )


def _panel(name: str, seen: Trace, found: Sequence[Found], zone: tzinfo, top: int) -> str:
    counts = [60 * count / size for count, size in zip(seen.counts, seen.sizes, strict=True)]
    expected = [60 * count / size for count, size in zip(seen.expected, seen.sizes, strict=True)]
    most = max(*counts, *expected, 1.0)
    first, last = time_of(seen.starts[0]), time_of(seen.last)
    span = max((last - first).total_seconds(), 60)

    def x(at: datetime) -> float:
        return LEFT + INNER * min(max((at - first).total_seconds() / span, 0), 1)

    def y(value: float) -> float:
        return top + HEIGHT * (1 - value / most)

    places = [x(time_of(start)) for start in seen.starts]
    area = " ".join(f"{at:.1f},{y(value):.1f}" for at, value in zip(places, counts, strict=True))
    line = " ".join(f"{at:.1f},{y(value):.1f}" for at, value in zip(places, expected, strict=True))
    base = top + HEIGHT
    shades = "".join(_shade(one, x, last, top) for one in found)
    return (
        f'<text class="name" x="{LEFT}" y="{top - 6}">{escape(name)}</text>{shades}'
        f'<polygon class="count" points="{places[0]:.1f},{base} {area} {places[-1]:.1f},{base}"/>'
        f'<polyline class="expected" points="{line}"/>'
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - 10}" y1="{base}" y2="{base}"/>'
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{most:,.0f}</text>'
        f'<text x="{LEFT}" y="{base + 16}">{first.astimezone(zone):%Y-%m-%d %H:%M}</text>'
        f'<text x="{WIDTH - 10}" y="{base + 16}" text-anchor="end">{last.astimezone(zone):%Y-%m-%d %H:%M}</text>'
    )


def _shade(one: Found, x: Callable[[datetime], float], last: datetime, top: int) -> str:
    begins, ends = x(time_of(one.start)), x(time_of(one.end) if one.end is not None else last)
    return (
        f'<rect class="{one.level}" x="{begins:.1f}" y="{top}" width="{max(ends - begins, 2):.1f}" height="{HEIGHT}">'
        f"<title>{one.level}, ×{one.peak_ratio:.1f}</title></rect>"
    )
