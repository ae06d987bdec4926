"""What was learned of every cell of the week, at four levels: arrivals and minutes seen, fifteen kilobytes a series."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Where each level begins, after the quarters of the week: its hours, hours of three day types, hours of the day.
HOURS_OF_WEEK, KINDS, HOURS, _END = 672, 840, 912, 936
_LEVELS = {"q": 0, "w": HOURS_OF_WEEK, "k": KINDS, "h": HOURS}


def _nothing() -> "array[float]":
    return array("d", bytes(8 * 2 * _END))


@dataclass(slots=True, repr=False)
class Cells:
    """Pairs (arrivals, minutes seen) by a cell's place, in one block: as objects of their own they take ten times as
    much, and a thousand series two hundred megabytes."""

    pairs: "array[float]" = field(default_factory=_nothing)

    def get(self, place: int) -> tuple[float, float]:
        """(0, 0) where nothing was seen."""
        pairs, place = self.pairs, 2 * place
        return pairs[place], pairs[place + 1]

    def add(self, place: int, count: float, minutes: float) -> None:
        """Adds to both."""
        self.pairs[2 * place] += count
        self.pairs[2 * place + 1] += minutes

    def __contains__(self, place: int) -> bool:
        return self.pairs[2 * place + 1] != 0

    def save(self) -> list[float]:
        """As JSON, one pair after the other."""
        return self.pairs.tolist()

    @classmethod
    def load(cls, saved: Sequence[float] | Mapping[str, Sequence[float]]) -> "Cells":
        """The inverse of `save`; also of what an earlier version saved, pairs by name."""
        if not isinstance(saved, Mapping):
            return cls(array("d", saved)) if len(saved) == 2 * _END else cls()
        cells = cls()
        for name, (count, minutes) in saved.items():
            cells.add(_LEVELS[name[0]] + int(name[1:]), count, minutes)
        return cells
