"""Arrivals and distinct senders per minute and series: a projection of the journal, exact whenever it is recounted.

Whatever changes what an arrival counts as clears its `counted`. A recount takes such rows, marks them, and counts the
minutes they happened in anew from the journal, so that it may be repeated, interrupted and overtaken without harm.
Series are `all`, `medium:<medium>`, `line:<key>` and `topic:<key>`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from tickets import changes
from tickets.models import MEDIUM_OF, Arrival, CountsAs
from triage.models import Clock, HourCount, LateCount, MinuteCount
from triage.surge import bulk, clock
from triage.surge.minutes import Minute, read

# Only contacts, and what is not understood yet, feed detection.
COUNTING = ("", CountsAs.CONTACT)
# Arrivals in one transaction, and transactions in one call: the work of a call is bounded.
BATCH = 500
BATCHES = 40
# Minutes are kept this long, hours for ever.
KEPT = timedelta(days=90)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# Touched minutes that lie nearer than this are read in one piece.
GAP = timedelta(minutes=15)
# Ranges or values in one query: SQLite bounds both.
PIECES = 200

T = TypeVar("T")
Counts = dict[tuple[str, datetime], tuple[int, int]]
# By series and minute, how many more people than were known before.
Changed = dict[str, dict[datetime, int]]


def recount(now: datetime | None = None) -> Changed:
    """Counts what is new or was understood differently. Returns by how much the people of which minutes moved."""
    oldest = (now or timezone.now()) - KEPT
    changed: Changed = defaultdict(lambda: defaultdict(int))
    for _ in range(BATCHES):
        # Asked without a lock: most ticks find nothing.
        if not Arrival.objects.filter(counted=False).exists():
            break
        taken, moved = _recount_batch(oldest)
        for series, minutes in moved.items():
            for minute, more in minutes.items():
                changed[series][minute] += more
        if taken < BATCH:
            break
    if changed:
        changes.bump("counts")
    return dict(changed)


def rebuild() -> None:
    """Counts all minutes that are kept anew from the journal, hour by hour, and writes what differs."""
    oldest = timezone.now() - KEPT
    arrivals = Arrival.objects.filter(happened_at__gte=oldest).aggregate(
        first=Min("happened_at"), last=Max("happened_at")
    )
    kept = MinuteCount.objects.filter(minute__gte=oldest).aggregate(first=Min("minute"), last=Max("minute"))
    known = [at for found in (arrivals, kept) for at in found.values() if at is not None]
    if not known:
        return
    hour, last = max(min(known), oldest).replace(minute=0, second=0, microsecond=0), max(known)
    while hour <= last:
        _rebuild_hour(hour)
        hour += HOUR
    changes.bump("counts")


@transaction.atomic
def _rebuild_hour(start: datetime) -> None:
    at = clock.locked()
    Arrival.objects.filter(happened_at__gte=start, happened_at__lt=start + HOUR, counted=False).update(counted=True)
    minutes = {start + n * MINUTE for n in range(60)}
    # Whatever was wrong with the hour: it becomes the sum of its minutes again.
    HourCount.objects.filter(hour=start).delete()
    _store(minutes, _count(minutes), at)
    names = MinuteCount.objects.filter(minute__gte=start, minute__lt=start + HOUR).values_list("series", flat=True)
    _store_hours({start: dict.fromkeys(names, (0, 0))})


def forget(now: datetime | None = None) -> int:
    """Deletes minutes that are kept no longer, whole hours of them, since an hour is the sum of its minutes."""
    oldest = ((now or timezone.now()) - KEPT).replace(minute=0, second=0, microsecond=0)
    return MinuteCount.objects.filter(minute__lt=oldest).delete()[0]


def floor(at: datetime) -> datetime:
    """The minute that `at` lies in."""
    return at.replace(second=0, microsecond=0)


@transaction.atomic
def _recount_batch(oldest: datetime) -> tuple[int, Changed]:
    """One batch. The marks are cleared before the journal is read: what changes after the read keeps its mark."""
    at = clock.locked()
    # A row that is being understood at this moment is left for the next time instead of waited for.
    rows = Arrival.objects.select_for_update(skip_locked=True).filter(counted=False).order_by("id")[:BATCH]
    taken = list(rows.values_list("id", "happened_at"))
    if not taken:
        return 0, {}
    Arrival.objects.filter(id__in=[pk for pk, _ in taken]).update(counted=True)
    touched = {floor(happened) for _, happened in taken if happened >= oldest}
    return len(taken), _store(touched, _count(touched), at)


def _count(minutes: Collection[datetime]) -> Counts:
    senders: dict[tuple[str, datetime], list[str]] = defaultdict(list)
    for some in pieces(_ranges(minutes)):
        rows, topics = _journal(some)
        for pk, at, channel, line, sender in rows:
            minute = read(at)
            if minute not in minutes:
                continue
            # Somebody unknown is a person of their own.
            who = sender or f"?{pk}"
            for series in series_of(channel, line, topics.get(pk, ())):
                senders[series, minute].append(who)
    return {key: (len(found), len(set(found))) for key, found in senders.items()}


def series_of(channel: str, line: str, topics: Iterable[str] = ()) -> Iterator[str]:
    """The series that an arrival of this channel and line, about these topics, counts in."""
    yield "all"
    yield f"medium:{MEDIUM_OF[channel]}"
    if line:
        yield f"line:{line}"
    for topic in topics:
        yield f"topic:{topic}"


def _journal(
    ranges: Sequence[tuple[datetime, datetime]],
) -> tuple[Iterator[tuple[int, str, str, str, str]], Mapping[int, list[str]]]:
    """What counts in these stretches of time, and what each is about: two queries."""
    within = Q()
    for start, end in ranges:
        within |= Q(happened_at__gte=start, happened_at__lt=end)
    rows = Arrival.objects.filter(within, counts_as__in=COUNTING)
    topics: dict[int, list[str]] = defaultdict(list)
    for pk, key in rows.filter(topics__isnull=False).values_list("id", "topics__key").iterator(chunk_size=2000):
        topics[pk].append(key)
    found = rows.values_list("id", Minute("happened_at"), "channel", "line", "sender")
    return found.iterator(chunk_size=2000), topics


def _ranges(minutes: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    ranges: list[tuple[datetime, datetime]] = []
    for minute in sorted(minutes):
        if ranges and minute - ranges[-1][1] < GAP:
            ranges[-1] = (ranges[-1][0], minute + MINUTE)
        else:
            ranges.append((minute, minute + MINUTE))
    return ranges


def _store(minutes: Collection[datetime], counts: Counts, at: Clock) -> Changed:
    """Writes what differs from what is there, minutes and hours, and what the detectors have seen otherwise."""
    known: dict[tuple[str, datetime], tuple[int, int]] = {}
    for some in pieces(sorted(minutes)):
        found = MinuteCount.objects.filter(minute__in=some)
        for series, minute, *held in found.values_list("series", Minute("minute"), "arrivals", "senders"):
            known[series, read(minute)] = held[0], held[1]
    different: list[tuple[str, datetime, int, int]] = []
    changed: Changed = defaultdict(dict)
    hours: dict[datetime, dict[str, tuple[int, int]]] = defaultdict(dict)
    for key in known.keys() | counts.keys():
        before, (arrivals, senders) = known.get(key, (0, 0)), counts.get(key, (0, 0))
        if before == (arrivals, senders):
            continue
        series, minute = key
        different.append((series, minute, arrivals, senders))
        changed[series][minute] = senders - before[1]
        moved = hours[minute.replace(minute=0)]
        came, people = moved.get(series, (0, 0))
        moved[series] = came + arrivals - before[0], people + senders - before[1]
    bulk.upsert(MinuteCount, ("series", "minute"), ("arrivals", "senders"), different)
    _store_late(changed, at)
    _store_hours(hours)
    return dict(changed)


def _store_late(changed: Changed, at: Clock) -> None:
    """In the same transaction, so that no detector misses it, whoever is stopped wherever."""
    if at.minute is None:
        return
    LateCount.objects.bulk_create(
        [
            LateCount(series=series, minute=minute, known=at.minute, more=more)
            for series, found in changed.items()
            for minute, more in sorted(found.items())
            if more and minute <= at.minute
        ],
        batch_size=500,
    )


def _store_hours(more: Mapping[datetime, Mapping[str, tuple[int, int]]]) -> None:
    """Hours move by as much as their minutes do, in arrivals and senders (who comes in two minutes counts twice). The
    minutes of an hour are read while there is no row for it yet."""
    new: list[tuple[str, datetime, int, int]] = []
    # Hour by hour: a tick touches one or two, and to group minutes by their hour takes SQLite a call for each of them.
    for hour, moved in sorted(more.items()):
        minutes = MinuteCount.objects.filter(minute__gte=hour, minute__lt=hour + HOUR)
        for names in pieces(sorted(moved)):
            held = HourCount.objects.filter(hour=hour, series__in=names).values_list("series", "arrivals", "senders")
            sums = [(name, came + moved[name][0], people + moved[name][1]) for name, came, people in held]
            first = set(names).difference(name for name, *_ in sums)
            sums += minutes.filter(series__in=first).values_list("series").annotate(Sum("arrivals"), Sum("senders"))
            new += [(name, hour, came, people) for name, came, people in sums]
    bulk.upsert(HourCount, ("series", "hour"), ("arrivals", "senders"), new)


def pieces(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at a time as one query takes."""
    return (things[at : at + PIECES] for at in range(0, len(things), PIECES))


def of(series: str) -> QuerySet[Arrival]:
    """What counts in a series, from the journal."""
    rows = Arrival.objects.filter(counts_as__in=COUNTING)
    kind, _, name = series.partition(":")
    if kind == "medium":
        return rows.filter(channel__in=[channel for channel, medium in MEDIUM_OF.items() if medium == name])
    if kind == "line":
        return rows.filter(line=name)
    return rows.filter(topics__key=name) if kind == "topic" else rows


def distinct_senders(start: datetime, end: datetime, series: str = "all") -> int:
    """Different people who contacted us between two times, read from the journal."""
    rows = of(series).filter(happened_at__gte=start, happened_at__lt=end)
    # One reading for both: who is known, and those unknown, each a person of their own.
    known, unknown = Count("sender", distinct=True, filter=~Q(sender="")), Count("pk", filter=Q(sender=""))
    return sum(rows.aggregate(known=known, unknown=unknown).values())
