"""Surges as rows: what the detectors found is kept once, children below their parent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from django.db import transaction
from django.db.models import Q

from tickets import changes
from triage.models import Surge
from triage.surge import bulk
from triage.surge.detector import RESUME, time_of
from triage.surge.excursions import Episode
from triage.surge.series import ALL

# Only the present is worth a page: what is found in older minutes is noted.
PRESENT = timedelta(minutes=10)
FAR = datetime.max.replace(tzinfo=UTC)
# What the detectors say of a surge; the rest of its row belongs to managers and to what they were told.
FIGURES = ("peak_ratio", "total", "expected", "seen_at")
FOUND = (*FIGURES, "began_at", "detected_at", "ended_at", "level", "parent")


@dataclass(frozen=True, slots=True)
class Sighting:
    """An episode of a series as it looks after the minutes up to `seen`, and whether it is worth a page or a notice."""

    series: str
    episode: Episode
    seen: datetime
    level: str = Surge.Level.PAGE


@dataclass(slots=True, eq=False)
class _Row:
    """A surge's row while sightings are kept. `whole`: the surge that it has just become a part of."""

    surge: Surge
    whole: "_Row | None" = None
    is_seen: bool = False

    @property
    def is_loose(self) -> bool:
        return self.whole is None and self.surge.parent_id is None

    def overlaps(self, began: datetime, ended: datetime | None) -> bool:
        surge = self.surge
        return (surge.ended_at is None or surge.ended_at >= began) and surge.began_at <= (ended or FAR)


def keep(found: Sequence[Sighting], now: datetime) -> list[Surge]:
    """Keeps each episode as the one row that it is: new, going on, ended or replayed. Returns the rows in that order.

    A notice that grows becomes a page; a page becomes no notice. The outcome is that of keeping one after the other,
    but rows are read and written together: a tick in which many surges begin asks no more often than for one.
    """
    if not found:
        return []
    with transaction.atomic():
        rows = _read(found)
        kept = [_keep(one, rows, now) for one in found]
        _write([row for some in rows.values() for row in some])
    changes.bump("surge")
    return [row.surge for row in kept]


def keep_figures(parts: Iterable[tuple[int, Episode, datetime]]) -> None:
    """Writes how high surges that go on as they did, (id, episode, seen up to), stand now."""
    # In order, so that no two transactions wait for each other.
    figures = sorted(((*_figures(episode, seen), pk) for pk, episode, seen in parts), key=itemgetter(-1))
    if figures:
        bulk.update(Surge, "id", FIGURES, figures)
        changes.bump("surge")


def close_unconfirmed(unconfirmed: Collection[int], now: datetime) -> None:
    """Ends surges, by id, that a glance opened and complete minutes did not bear out, or that were dismissed.

    One that a manager declared stays until the detector, which has heard of it, or the manager ends it; notices have an
    end of their own.
    """
    if not unconfirmed:
        return
    rows = Surge.objects.filter(pk__in=unconfirmed, ended_at=None, level=Surge.Level.PAGE)
    if rows.filter(Q(declared_at=None) | Q(dismissed_at__isnull=False)).update(ended_at=now):
        changes.bump("surge")


def _read(found: Sequence[Sighting]) -> dict[str, list[_Row]]:
    """The rows that sightings may belong to, be parts of or have as parts, locked, by series; the newest first."""
    names = {ALL, *(one.series for one in found)}
    since = time_of(min(one.episode.began for one in found)) - timedelta(minutes=RESUME)
    wanted = Q(series__in=names)
    if any(one.series == ALL for one in found):
        wanted |= Q(parent=None)
    rows: dict[str, list[_Row]] = defaultdict(list)
    near = Surge.objects.select_for_update().filter(Q(ended_at=None) | Q(ended_at__gte=since)).filter(wanted)
    for surge in near.order_by("pk"):
        rows[surge.series].append(_Row(surge))
    return rows


def _keep(one: Sighting, rows: dict[str, list[_Row]], now: datetime) -> _Row:
    known = time_of(one.episode.detected + 1)
    detected = now if now - known < PRESENT else known
    row = _row_of(one, rows[one.series])
    if row is None:
        row = _Row(Surge(series=one.series, detected_at=detected, level=one.level))
        rows[one.series].append(row)
    elif one.level == Surge.Level.PAGE and row.surge.level == Surge.Level.NOTICE:
        row.surge.level, row.surge.detected_at = one.level, detected
    row.is_seen = True
    row.surge.began_at, row.surge.ended_at = _span(one.episode)
    row.surge.peak_ratio, row.surge.total, row.surge.expected, row.surge.seen_at = _figures(one.episode, one.seen)
    _fold(row, rows)
    return row


def _span(episode: Episode) -> tuple[datetime, datetime | None]:
    return time_of(episode.began), None if episode.ended is None else time_of(episode.ended)


def _figures(episode: Episode, seen: datetime) -> tuple[float, int, float, datetime]:
    """FIGURES of an episode, so far, or up to its end."""
    if episode.ended is not None:
        return round(episode.peak, 1), episode.last_total, round(episode.last_expected, 2), time_of(episode.ended)
    return round(episode.peak, 1), episode.total, round(episode.expected, 2), seen


def _row_of(one: Sighting, rows: Sequence[_Row]) -> _Row | None:
    """The row that an episode is; what follows soon on one that a manager dismissed is the same thing again."""
    began, ended = _span(one.episode)
    found = _newest(row for row in rows if row.overlaps(began, ended))
    if found is None and ended is None:
        soon = began - timedelta(minutes=RESUME)
        gone = (row for row in rows if row.surge.dismissed_at and soon <= _end(row) <= began)
        found = max(gone, key=_end, default=None)
    return found


def _end(row: _Row) -> datetime:
    return row.surge.ended_at or FAR


def _newest(rows: Iterable[_Row]) -> _Row | None:
    return max(rows, key=lambda row: row.surge.began_at, default=None)


def _fold(row: _Row, rows: dict[str, list[_Row]]) -> None:
    """A surge on one channel is part of the surge on all of them. What pages is no part of what is only a notice."""
    surge = row.surge
    if surge.series == ALL:
        for part in _loose(rows):
            if part.surge.level in (Surge.Level.NOTICE, surge.level) and part.overlaps(surge.began_at, surge.ended_at):
                part.whole = row
    elif row.is_loose:
        wholes = (one for one in rows[ALL] if one.surge.level in (Surge.Level.PAGE, surge.level))
        row.whole = _newest(one for one in wholes if one.overlaps(surge.began_at, surge.ended_at))


def _loose(rows: dict[str, list[_Row]]) -> Iterator[_Row]:
    return (row for series, some in rows.items() if series != ALL for row in some if row.is_loose)


def _write(rows: Sequence[_Row]) -> None:
    """Wholes before their parts; of a series, what ends before what is open, of which there is one at a time."""
    wholes = [row.surge for row in rows if row.is_seen and row.surge.series == ALL]
    _upsert(wholes, FOUND)
    for row in rows:
        if row.whole:
            row.surge.parent = row.whole.surge
    _upsert([row.surge for row in rows if row.surge.series != ALL and (row.is_seen or row.whole)], FOUND)


def _upsert(surges: Iterable[Surge], columns: Sequence[str]) -> None:
    """Updates those that are there, all columns of which were read under a lock; a thousand CASEs would take longer."""
    Surge.objects.bulk_create(
        sorted(surges, key=lambda surge: surge.ended_at is None),
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=columns,
    )
