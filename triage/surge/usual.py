"""Ordinary weeks, read ahead in quiet times: the tick that sends the first alert of a surge need not do it.

What is said of a surge does not depend on the hour at which ordinary weeks were read: the newest of it is more than
half a day old (`texts.ordinary`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triage.models import SeriesState
from triage.surge import texts
from triage.surge.series import MEDIUM
from triage.surge.terms import Ordinary, taken_apart
from triage.surge.watching import settle

# Read anew after this time while nothing is on, and good for surges that begin within this time of the reading.
ANEW, GOOD = timedelta(hours=1), timedelta(hours=2)
# People of ordinary weeks below which nothing is said of them.
KNOWN = 50


@dataclass(slots=True)
class Usual:
    """What this process has read of ordinary weeks: when, and what, by medium (empty: all). Some megabytes each."""

    read: dict[str, tuple[datetime, Ordinary]] = field(default_factory=dict)

    def before(self, began: datetime, medium: str = "") -> Ordinary:
        """Ordinary weeks before a surge: as they were read ahead, else read now.

        Too few to say anything are read again: that costs little, and a history may have been written meanwhile.
        """
        if medium in self.read:
            at, ordinary = self.read[medium]
            if abs(began - at) <= GOOD and len(ordinary.people) >= KNOWN:
                return ordinary
        return taken_apart(texts.ordinary(began, medium))

    def read_ahead(self, now: datetime) -> str | None:
        """Reads one medium, where that is due: a piece of work that is bounded. Returns which."""
        for medium in ("", *_watched()):
            if medium not in self.read or not now - ANEW < self.read[medium][0] <= now:
                self.read[medium] = now, taken_apart(texts.ordinary(now, medium))
                settle()
                return medium
        return None

    def forget(self) -> None:
        """Remembers nothing."""
        self.read = {}


USUAL = Usual()


def _watched() -> list[str]:
    """Media that are watched: each pages by itself."""
    rows = SeriesState.objects.filter(series__startswith=MEDIUM).order_by("series")
    return [name.removeprefix(MEDIUM) for name in rows.values_list("series", flat=True)]
