"""What is marked above a chart of volume: stretches (surges, incidents), moments by name, updates by number. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

# Units of a letter of a name, of a digit of a number, and around both.
LETTER, DIGIT, AROUND = 6.6, 7.0, 5.0

Place = Callable[[datetime], float]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, such as a surge; open ones reach to the end."""

    start: datetime
    end: datetime | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment with a name, such as entering incident mode."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Number:
    """A moment that is told in a list beside the chart, where it has this number."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Line:
    """A grid line, a tick or a mark at one coordinate. `end`: the label stands before it."""

    at: float
    label: str = ""
    end: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """From a coordinate on, so wide, with what a pointer is told of it."""

    x: float
    width: float
    label: str = ""


def stretches_of(spans: Sequence[Span], x: Place, start: datetime, end: datetime) -> list[Stretch]:
    """The spans that reach into the chart, each at least wide enough to be seen."""
    within = [one for one in spans if one.start <= end and (one.end is None or one.end >= start)]
    return [Stretch(x(one.start), round(max(x(one.end or end) - x(one.start), 2.0), 1), one.label) for one in within]


def marks_of(marks: Sequence[Mark], x: Place, start: datetime, end: datetime, right: float) -> list[Line]:
    """Marks within the chart. A label stands after its line, before it where there is no room, else nowhere."""
    found: list[Line] = []
    free = -LETTER
    for mark in sorted(marks, key=lambda one: one.at):
        if not start <= mark.at <= end:
            continue
        at, width = x(mark.at), len(mark.label) * LETTER + AROUND
        before = at + width > right
        if (at - width if before else at) < free:
            found.append(Line(at))
            continue
        found.append(Line(at, mark.label, end=before))
        free = at if before else at + width
    return found


def numbers_of(updates: Sequence[Number], x: Place, left: float, right: float) -> list[Line]:
    """A line for each update, and its number in the middle of it; numbers that would touch are told as one, “4–6”.

    A line whose number is told by another has no label of its own.
    """
    ordered = sorted(updates, key=lambda one: one.at)
    groups: list[list[Number]] = [[one] for one in ordered]
    at = 1
    while at < len(groups):
        if _middle(groups[at - 1], x, left, right) + _half(groups[at - 1]) > (
            _middle(groups[at], x, left, right) - _half(groups[at])
        ):
            groups[at - 1] += groups.pop(at)
            at = max(at - 1, 1)
        else:
            at += 1
    labels = [Line(_middle(group, x, left, right), _label(group)) for group in groups]
    return labels + [Line(x(one.at)) for one in ordered]


def _label(group: Sequence[Number]) -> str:
    return f"{group[0].number}" if len(group) == 1 else f"{group[0].number}–{group[-1].number}"


def _half(group: Sequence[Number]) -> float:
    return (len(_label(group)) * DIGIT + AROUND) / 2


def _middle(group: Sequence[Number], x: Place, left: float, right: float) -> float:
    middle = sum(x(one.at) for one in group) / len(group)
    return round(min(max(middle, left + _half(group)), right - _half(group)), 1)
