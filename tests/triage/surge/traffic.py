"""Writes contacts into the journal at given times, as the doors would."""

import random
from collections.abc import Iterable
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import count

from django.db.models import Model

from tickets import journal
from tickets.models import Arrival, Channel, CountsAs
from triage.drill.rhythm import ordinary_times
from triage.models import Checkpoint, Clock, HourCount, MinuteCount, SeriesState
from triage.surge.tick import tick
from triage.surge.watching import Watching

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_numbers = count(1)


def contacts(times: Iterable[datetime], channel: str = Channel.CALL, sender: str = "", **values: str) -> list[int]:
    """One arrival at each time, each from somebody else unless a sender is given. Returns their ids."""
    batch = []
    for at in times:
        number = next(_numbers)
        who = sender or f"+1202{number:07d}"
        batch.append(journal.Incoming(channel, f"test:{number}", who, at, **{"counts_as": CountsAs.CONTACT, **values}))
    return [pk for start in range(0, len(batch), 500) for pk in journal.record(batch[start : start + 500])]


def ordinary(days: float, until: datetime = NOW, per_day: int = 1000, seed: int = 1) -> None:
    """Days with a daily and weekly rhythm, a third of them calls."""
    dice = random.Random(seed)
    by_channel: dict[str, list[datetime]] = {Channel.CALL: [], Channel.MAIL_WEBHOOK: [], Channel.WEB_FORM: []}
    for at in ordinary_times(until - timedelta(days=days), until, per_day, dice):
        by_channel[dice.choices(list(by_channel), (35, 45, 20))[0]].append(at)
    for channel, times in by_channel.items():
        contacts(times, channel)


_LEFT = (MinuteCount, HourCount, SeriesState, Checkpoint, Clock)
_known: dict[float, list[list[Model]]] = {}


def learned(days: float, *, arrivals: bool = False) -> None:
    """Ordinary days, counted and learned up to now.

    The work is done once in a process; later tests get copies of the rows, of the `arrivals` where they want to count
    again.
    """
    if days not in _known:
        ordinary(days)
        tick(NOW, Watching())
        _known[days] = [list(model.objects.all()) for model in (*_LEFT, Arrival)]
        return
    for rows in filter(None, _known[days] if arrivals else _known[days][:-1]):
        type(rows[0]).objects.bulk_create([copy(row) for row in rows], batch_size=2000)  # type: ignore[attr-defined]


def flood(start: datetime, end: datetime, per_minute: float = 70, seed: int = 2) -> None:
    """A flood, seven in ten of it calls."""
    dice, at = random.Random(seed), start
    by_channel: dict[str, list[datetime]] = {Channel.CALL: [], Channel.MAIL_WEBHOOK: []}
    while (at := at + timedelta(seconds=dice.expovariate(per_minute / 60))) < end:
        by_channel[Channel.CALL if dice.random() < 0.7 else Channel.MAIL_WEBHOOK].append(at)
    for channel, times in by_channel.items():
        contacts(times, channel)
