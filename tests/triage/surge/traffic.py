"""Writes contacts into the journal at given times, as the doors would."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.db.models import Model

from tickets import journal
from tickets.models import Arrival, Channel, CountsAs
from triage.drill.rhythm import ordinary_times
from triage.models import Checkpoint, Clock, HourCount, MinuteCount, SeriesState
from triage.surge import people, silence, telling
from triage.surge import tick as ticking
from triage.surge.tick import WATCHING
from triage.surge.watching import Watching

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_numbers = count(1)

Row = tuple[Any, ...]


def tick(now: datetime, watching: Watching = WATCHING) -> None:
    """As the watch does: a tick, people are counted, and managers are told."""
    ticking.tick(now, watching)
    people.refresh(now)
    silence.tell(now)
    telling.tell(now)


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
_known: dict[float, list[list[Row]]] = {}


def learned(days: float, *, arrivals: bool = False) -> None:
    """Ordinary days, counted and learned up to now.

    The work is done once in a process; later tests get copies of the rows, of the `arrivals` where they want to count
    again.
    """
    if days not in _known:
        ordinary(days)
        tick(NOW, Watching())
        _known[days] = [_rows(model) for model in (*_LEFT, Arrival)]
        return
    for model, rows in zip((*_LEFT, Arrival) if arrivals else _LEFT, _known[days], strict=False):
        _insert(model, rows)


def _rows(model: type[Model]) -> list[Row]:
    """As the database has them: to make an object of each and write that takes most of a test's time."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table}")  # noqa: S608
        return list(cursor.fetchall())


def _insert(model: type[Model], rows: list[Row]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {model._meta.db_table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)  # noqa: S608


def flood(start: datetime, end: datetime, per_minute: float = 70, seed: int = 2) -> None:
    """A flood, seven in ten of it calls."""
    dice, at = random.Random(seed), start
    by_channel: dict[str, list[datetime]] = {Channel.CALL: [], Channel.MAIL_WEBHOOK: []}
    while (at := at + timedelta(seconds=dice.expovariate(per_minute / 60))) < end:
        by_channel[Channel.CALL if dice.random() < 0.7 else Channel.MAIL_WEBHOOK].append(at)
    for channel, times in by_channel.items():
        contacts(times, channel)
