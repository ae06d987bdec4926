"""The minute up to which counts were given to the detectors, and whose turn it is: one row that all take turns at."""

import secrets
from datetime import datetime, timedelta

from triage.surge.kept import Clock, LateCount

NAME = "surges"
# Late counts are kept until no checkpoint is older, and some time more.
KEPT = timedelta(days=2)


def read() -> Clock:
    """The clock as it stands, without a lock."""
    return Clock.objects.filter(name=NAME).first() or _made()


def locked() -> Clock:
    """The clock, until the caller's transaction ends. Recounts follow one another by it: an earlier reading of the
    journal must not be written after a later one, and what is late is told from what is not."""
    rows = Clock.objects.select_for_update().filter(name=NAME)
    return rows.first() or rows.get(pk=_made().pk)


def move(clock: Clock, minute: datetime) -> None:
    """Moves a locked clock on; it never goes back."""
    if clock.minute is None or clock.minute < minute:
        clock.minute = minute
        clock.save(update_fields=["minute"])


def next_turn(clock: Clock) -> str:
    """Begins a new turn of a locked clock: whoever remembers the old one starts from the rows."""
    clock.turn = secrets.token_hex(8)
    clock.save(update_fields=["turn"])
    return clock.turn


def forget() -> int:
    """Deletes late counts that every checkpoint knows of."""
    clock = read()
    return LateCount.objects.filter(known__lt=clock.minute - KEPT).delete()[0] if clock.minute else 0


def _made() -> Clock:
    return Clock.objects.get_or_create(name=NAME, defaults={"turn": secrets.token_hex(8)})[0]
