"""The charts of volume as text: the same figures in fewer rows, with what went on meanwhile. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from triage.surge.chart import LAYERS, Drawing
from triage.surge.chart_marks import Span


@dataclass(frozen=True, slots=True)
class Row:
    """Some bins together, from `at` on: by layer, all of them, expected, how many are not known, what went on.

    `expected` is None where it is not known of all of them what is usual.
    """

    at: datetime
    layers: Sequence[int]
    total: int
    expected: float | None
    missing: int
    meanwhile: str


def rows_of(drawing: Drawing, size: int) -> list[Row]:
    """A row for every `size` bins, the newest first."""
    rows = []
    for first in range(0, len(drawing.bins), size):
        some = drawing.bins[first : first + size]
        rows.append(
            Row(
                at=some[0].at,
                layers=[sum(one.layer(name) for one in some) for name in LAYERS],
                total=sum(one.total for one in some),
                expected=sum(one.expected for one in some) if all(one.known for one in some) else None,
                missing=sum(one.missing for one in some),
                meanwhile=_meanwhile(drawing, some[0].at, some[-1].at + drawing.step),
            )
        )
    return rows[::-1]


def _meanwhile(drawing: Drawing, start: datetime, end: datetime) -> str:
    said = [
        name
        for name, spans in (("surge", drawing.spans), ("incident mode", drawing.incidents))
        if _any(spans, start, end)
    ]
    numbers = [str(one.number) for one in sorted(drawing.updates, key=lambda one: one.at) if start <= one.at < end]
    if numbers:
        said.append(f"update{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}")
    return ", ".join(said)


def _any(spans: Sequence[Span], start: datetime, end: datetime) -> bool:
    return any(one.start < end and (one.end is None or one.end > start) for one in spans)
