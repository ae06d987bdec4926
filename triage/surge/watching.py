"""The detectors of this process between ticks: loaded when they are needed, forgotten when somebody else has ticked."""

import gc
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max, Q

from triage.models import Checkpoint, Clock, HourCount, LateCount, MinuteCount, SeriesState, Surge
from triage.surge import gaps
from triage.surge.baseline import minute_of
from triage.surge.detector import time_of
from triage.surge.follower import LOOK_BACK, Follower, detector_of, history, is_replayed, place_of, usable
from triage.surge.minutes import Minute, read
from triage.surge.series import in_order, pages

# Series whose states are read in one piece, as many as one tick reads of those that can wait.
PIECE = 80
# A minute's work is spread over so many ticks after the first with it; there are six in a minute.
SPREAD = 5
# A series in which nothing happens is brought up to date this often, each at its own minutes: the work is spread.
QUIET = 15


@dataclass(slots=True)
class Watching:
    """What this process remembers. True only as long as the clock's turn is the one that it remembers."""

    turn: str = ""
    upto: int = 0
    late: int = 0
    names: set[str] = field(default_factory=set)
    # Those whose turn it is to go on, and that have not yet.
    behind: set[str] = field(default_factory=set)
    # How many of them go on in one tick of this minute.
    share: int = PIECE
    followers: dict[str, Follower] = field(default_factory=dict)

    def begin(self, clock: Clock) -> None:
        """Starts from the rows unless the last tick was this process's own."""
        if self.turn == clock.turn:
            return
        self.forget()
        self.turn = clock.turn
        self.upto = minute_of(clock.minute) if clock.minute else 0
        self.late = LateCount.objects.aggregate(last=Max("pk"))["last"] or 0
        self.names = set(SeriesState.objects.values_list("series", flat=True))
        self.names.update(LateCount.objects.order_by().values_list("series", flat=True).distinct())
        if clock.minute is None:
            self.names.update(HourCount.objects.order_by().values_list("series", flat=True).distinct())
        self.behind = set(self.names)

    def forget(self) -> None:
        """Remembers nothing: the next tick starts from the rows."""
        self.turn, self.upto, self.late = "", 0, 0
        self.names, self.behind, self.followers = set(), set(), {}

    def hear(self, new: Iterable[tuple[str, datetime, int]], late: Sequence[LateCount]) -> set[str]:
        """Takes counts of minutes that are complete now, and what became known late. Returns whom it concerns."""
        concerned: set[str] = set()
        for series, minute, people in new:
            concerned.add(series)
            if series in self.followers:
                self.followers[series].counts[minute_of(minute)] = people
        concerned |= self._hear_late(late)
        self.names |= concerned
        return concerned

    def due(self, concerned: Collection[str], urgent: Collection[str], upto: int) -> list[str]:
        """Whose detectors go on now, parents first: with a new minute those that page, and the `urgent` ones always.

        All others, those concerned and the quiet ones in turn, wait where they are many, and a share goes on in each of
        the ticks that follow. Whoever is left when the next minute comes waits no longer.
        """
        now = {*urgent, *filter(pages, concerned)}
        turns = {minute % QUIET for minute in range(self.upto + 1, upto + 1)[:QUIET]}
        if turns:
            now |= self.behind & self.followers.keys()
            now.update(filter(pages, self.names))
            self.behind.update(name for name in self.names if place_of(name) % QUIET in turns)
        self.behind.update(concerned)
        waiting = in_order(self.behind - now)
        here = [name for name in waiting if name in self.followers]
        unread = [name for name in waiting if name not in self.followers]
        if turns:
            self.share = max(PIECE, -(-len(here) // SPREAD))
        many = turns and len(here) > self.share
        return in_order(now.union(() if many else here[: self.share], unread[:PIECE]))

    def load(self, names: Sequence[str], upto: int) -> None:
        """Reads the detectors that are not remembered, in pieces."""
        missing = [name for name in names if name not in self.followers]
        for start in range(0, len(missing), PIECE):
            for follower in _loaded(missing[start : start + PIECE], upto):
                self.followers[follower.series] = follower
        if missing:
            settle()

    def _hear_late(self, late: Sequence[LateCount]) -> set[str]:
        by_series: dict[str, list[LateCount]] = defaultdict(list)
        for row in late:
            by_series[row.series].append(row)
            self.late = max(self.late, row.pk)
        for series, rows in by_series.items():
            follower = self.followers.get(series)
            if follower is None:
                continue
            seen = follower.detector.minute or 0
            # What it has been told of and not seen yet may be different now as well.
            told = any(seen < minute_of(row.minute) <= self.upto for row in rows)
            if not told and usable(seen, follower.late, rows):
                _correct(follower, rows)
            else:
                del self.followers[series]
        return set(by_series)


def settle() -> None:
    """Spares the garbage collector what lives long and holds no cycles: the program itself, the states, of which a
    thousand are two million objects, ordinary weeks. A look at all of them takes longer than a tick may."""
    gc.collect(1)
    gc.freeze()


def _loaded(names: Sequence[str], upto: int) -> list[Follower]:
    states = {row.series: row for row in SeriesState.objects.filter(series__in=names)}
    late: dict[str, list[LateCount]] = defaultdict(list)
    for one in LateCount.objects.filter(series__in=names).order_by("pk"):
        late[one.series].append(one)
    found = [_resumed(name, states.get(name), late[name]) for name in names]
    _read_counts([one for one in found if one.detector.minute is not None], upto)
    for follower in found:
        if follower.detector.minute is None:
            _read_counts([follower], upto)
        _correct(follower, late[follower.series])
    return found


def _resumed(series: str, row: SeriesState | None, late: Sequence[LateCount]) -> Follower:
    """From the newest checkpoint that can be gone on from; from the beginning where there is none."""
    if row is None or not row.state:
        return Follower(series, detector_of({}), 0.0, history(late), is_new=row is None)
    if usable(row.state["minute"], row.late, late):
        return Follower(series, detector_of(row.state, row.caution), row.caution, row.late)
    for one in Checkpoint.objects.filter(series=series).order_by("-minute").iterator(chunk_size=1):
        if usable(minute_of(one.minute), one.late, late):
            return Follower(series, detector_of(json.loads(one.state), one.caution), one.caution, one.late)
    return Follower(series, detector_of({}), 0.0, history(late))


def _read_counts(followers: Sequence[Follower], upto: int) -> None:
    if not followers:
        return
    known = [follower.detector.minute for follower in followers if follower.detector.minute is not None]
    rows = MinuteCount.objects.filter(series__in=[follower.series for follower in followers])
    rows = rows.filter(minute__lte=time_of(upto))
    if known:
        rows = rows.filter(minute__gt=time_of(min(known) - LOOK_BACK))
    counts: dict[str, dict[int, int]] = {follower.series: follower.counts for follower in followers}
    found = rows.values_list("series", Minute("minute"), "senders")
    for series, minute, people in found.iterator(chunk_size=5000):
        counts[series][minute_of(read(minute))] = people


def _correct(follower: Follower, late: Sequence[LateCount]) -> None:
    """What came too late to be replayed, unless its minute belongs to a surge or was missing: those teach nothing."""
    new = [row for row in late if row.pk > follower.late]
    rows = [row for row in new if not is_replayed(row)]
    if rows:
        first, last = min(row.minute for row in rows), max(row.minute for row in rows)
        missing = gaps.between(first, last).get(gaps.scope_of(follower.series), [])
        surges = list(_surges(follower.series, first))
        for row in rows:
            learn = not _within(row.minute, surges) and not gaps.covers(missing, minute_of(row.minute))
            follower.correct(row, learn=learn)
    follower.late = max([follower.late, *(row.pk for row in new)])


def _surges(series: str, since: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    over = Q(ended_at=None) | Q(ended_at__gte=since)
    yield from Surge.objects.filter(over, series=series).values_list("began_at", "ended_at")


def _within(at: datetime, spans: Iterable[tuple[datetime, datetime | None]]) -> bool:
    return any(began <= at and (ended is None or at <= ended) for began, ended in spans)
