"""What was learned of every cell of the week, at four levels: arrivals and minutes seen, fifteen kilobytes a series."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# The name of each cell and its place: quarters of the week, hours of the week, hours of three day types, hours.
_NAMES = [f"{level}{n}" for level, number in (("q", 672), ("w", 168), ("k", 72), ("h", 24)) for n in range(number)]
_PLACE = {name: 2 * n for n, name in enumerate(_NAMES)}


def _nothing() -> "array[float]":
    return array("d", bytes(8 * 2 * len(_NAMES)))


@dataclass(slots=True, repr=False)
class Cells:
    """Pairs (arrivals, minutes seen) by a cell's name, in one block: as objects of their own they take ten times as
    much, and a thousand series two hundred megabytes."""

    pairs: "array[float]" = field(default_factory=_nothing)

    def get(self, name: str) -> tuple[float, float]:
        """(0, 0) where nothing was seen."""
        place = _PLACE[name]
        return self.pairs[place], self.pairs[place + 1]

    def add(self, name: str, count: float, minutes: float) -> None:
        """Adds to both."""
        place = _PLACE[name]
        self.pairs[place] += count
        self.pairs[place + 1] += minutes

    def __contains__(self, name: str) -> bool:
        return self.pairs[_PLACE[name] + 1] != 0

    def save(self) -> list[float]:
        """As JSON, one pair after the other."""
        return self.pairs.tolist()

    @classmethod
    def load(cls, saved: Sequence[float] | Mapping[str, Sequence[float]]) -> "Cells":
        """The inverse of `save`; also of what an earlier version saved, pairs by name."""
        if not isinstance(saved, Mapping):
            return cls(array("d", saved)) if len(saved) == 2 * len(_NAMES) else cls()
        cells = cls()
        for name, (count, minutes) in saved.items():
            cells.add(name, count, minutes)
        return cells
