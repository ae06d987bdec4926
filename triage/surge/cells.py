"""What was learned of every cell of the week, at four levels: arrivals and minutes seen, fifteen kilobytes a series."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Where each level begins, after the quarters of the week: its hours, hours of three day types, hours of the day.
HOURS_OF_WEEK, KINDS, HOURS, _END = 672, 840, 912, 936
_LEVELS = {"q": 0, "w": HOURS_OF_WEEK, "k": KINDS, "h": HOURS}


def short(value: float) -> float:
    """Six digits, which are more than any count carries."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _nothing() -> "array[float]":
    return array("d", bytes(8 * 2 * _END))


@dataclass(slots=True, repr=False)
class Cells:
    """Pairs (arrivals, minutes seen) by a cell's place, in one block: as objects of their own they take ten times as
    much, and a thousand series two hundred megabytes."""

    pairs: "array[float]" = field(default_factory=_nothing)
    # Places that changed since they were loaded: all others are as short as they were saved.
    _changed: set[int] = field(default_factory=set, compare=False)

    def get(self, place: int) -> tuple[float, float]:
        """(0, 0) where nothing was seen."""
        pairs, place = self.pairs, 2 * place
        return pairs[place], pairs[place + 1]

    def add(self, place: int, count: float, minutes: float) -> None:
        """Adds to both."""
        self._changed.add(place)
        self.pairs[2 * place] += count
        self.pairs[2 * place + 1] += minutes

    def __contains__(self, place: int) -> bool:
        return self.pairs[2 * place + 1] != 0

    def save(self) -> list[float]:
        """As JSON, one pair after the other, in short."""
        saved = self.pairs.tolist()
        # A checkpoint comes after some quarters of an hour, each in four places: the week is not written out for them.
        for at in self._changed:
            saved[2 * at], saved[2 * at + 1] = short(saved[2 * at]), short(saved[2 * at + 1])
        return saved

    @classmethod
    def load(cls, saved: Sequence[float] | Mapping[str, Sequence[float]]) -> "Cells":
        """The inverse of `save`; also of what an earlier version saved, pairs by name."""
        if not isinstance(saved, Mapping):
            return cls(array("d", saved)) if len(saved) == 2 * _END else cls()
        cells = cls()
        for name, (count, minutes) in saved.items():
            cells.add(_LEVELS[name[0]] + int(name[1:]), count, minutes)
        return cells
