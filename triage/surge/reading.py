"""What a detector answers to one minute."""

from dataclasses import dataclass
from datetime import datetime

from triage.surge.quarters import time_of


@dataclass(slots=True)  # not frozen, which takes three times as long: there is one a minute and series
class Reading:
    """What one minute says, `at` in minutes since EPOCH. `count` None: nothing is known of it.

    `event` is "notice", "start", "resume", "end" or empty; `silent`: the feed seems cut.
    """

    at: int
    count: int | None
    expected: float
    score: float
    threshold: float
    event: str = ""
    silent: bool = False

    @property
    def minute(self) -> datetime:
        """The same as a time, in UTC."""
        return time_of(self.at)
