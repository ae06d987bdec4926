"""Arrivals and distinct senders per minute and series: a projection of the journal, exact whenever it is recounted.

Whatever changes what an arrival counts as clears its `counted`. A recount takes such rows, marks them, and counts the
minutes they happened in anew from the journal, so that it may be repeated, interrupted and overtaken without harm.
Series are `all`, `medium:<medium>` and `line:<key>`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from tickets import changes
from tickets.models import MEDIUM_OF, Arrival, CountsAs
from triage.models import HourCount, Lease, MinuteCount

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
    """Forgets the minutes that are kept and counts them anew from the journal."""
    Arrival.objects.filter(happened_at__gte=timezone.now() - KEPT).update(counted=False)
    MinuteCount.objects.all().delete()
    while Arrival.objects.filter(counted=False).exists():
        recount()


def forget(now: datetime | None = None) -> int:
    """Deletes minutes that are kept no longer; their hours stay."""
    return MinuteCount.objects.filter(minute__lt=(now or timezone.now()) - KEPT).delete()[0]


def floor(at: datetime) -> datetime:
    """The minute that `at` lies in."""
    return at.replace(second=0, microsecond=0)


@transaction.atomic
def _recount_batch(oldest: datetime) -> tuple[int, Changed]:
    """One batch. The marks are cleared before the journal is read: what changes after the read keeps its mark."""
    _take_turn()
    # A row that is being understood at this moment is left for the next time instead of waited for.
    rows = Arrival.objects.select_for_update(skip_locked=True).filter(counted=False).order_by("id")[:BATCH]
    taken = list(rows.values_list("id", "happened_at"))
    if not taken:
        return 0, {}
    Arrival.objects.filter(id__in=[pk for pk, _ in taken]).update(counted=True)
    touched = {floor(at) for _, at in taken if at >= oldest}
    return len(taken), _store(touched, _count(touched))


def _take_turn() -> None:
    """Recounts follow one another: an earlier reading of the journal must not be written after a later one."""
    Lease.objects.get_or_create(name="counts", defaults={"until": timezone.now()})
    Lease.objects.select_for_update().get(name="counts")


def _count(minutes: Collection[datetime]) -> Counts:
    arrivals: dict[tuple[str, datetime], int] = defaultdict(int)
    senders: dict[tuple[str, datetime], set[str]] = defaultdict(set)
    for pk, at, channel, line, sender in _journal(minutes):
        minute = floor(at)
        for series in series_of(channel, line):
            arrivals[series, minute] += 1
            # Somebody unknown is a person of their own.
            senders[series, minute].add(sender or f"?{pk}")
    return {key: (number, len(senders[key])) for key, number in arrivals.items()}


def series_of(channel: str, line: str) -> Iterator[str]:
    """The series that an arrival of this channel and line counts in."""
    yield "all"
    yield f"medium:{MEDIUM_OF[channel]}"
    if line:
        yield f"line:{line}"


def _journal(minutes: Collection[datetime]) -> Iterator[tuple[int, datetime, str, str, str]]:
    """What counts in these minutes, read by time in as few pieces as they form."""
    rows = Arrival.objects.filter(counts_as__in=COUNTING)
    for some in _pieces(_ranges(minutes)):
        within = Q()
        for start, end in some:
            within |= Q(happened_at__gte=start, happened_at__lt=end)
        found = rows.filter(within).values_list("id", "happened_at", "channel", "line", "sender")
        yield from (row for row in found.iterator(chunk_size=2000) if floor(row[1]) in minutes)


def _ranges(minutes: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    ranges: list[tuple[datetime, datetime]] = []
    for minute in sorted(minutes):
        if ranges and minute - ranges[-1][1] < GAP:
            ranges[-1] = (ranges[-1][0], minute + MINUTE)
        else:
            ranges.append((minute, minute + MINUTE))
    return ranges


def _store(minutes: Collection[datetime], counts: Counts) -> Changed:
    """Writes what differs from what is there, minutes and hours; returns it."""
    known: dict[tuple[str, datetime], MinuteCount] = {}
    for some in _pieces(sorted(minutes)):
        known |= {(row.series, row.minute): row for row in MinuteCount.objects.filter(minute__in=some)}
    new: list[MinuteCount] = []
    different: list[MinuteCount] = []
    changed: Changed = defaultdict(dict)
    for key in known.keys() | counts.keys():
        arrivals, senders = counts.get(key, (0, 0))
        row = known.get(key) or MinuteCount(series=key[0], minute=key[1], arrivals=0, senders=0)
        if (row.arrivals, row.senders) == (arrivals, senders):
            continue
        (different if row.pk else new).append(row)
        changed[key[0]][key[1]] = senders - row.senders
        row.arrivals, row.senders = arrivals, senders
    MinuteCount.objects.bulk_create(new, batch_size=500)
    MinuteCount.objects.bulk_update(different, ["arrivals", "senders"], batch_size=PIECES)
    _store_hours({minute.replace(minute=0) for found in changed.values() for minute in found})
    return dict(changed)


def _store_hours(hours: Collection[datetime]) -> None:
    """An hour's senders are the sum of its minutes' (who comes in two minutes counts twice): no hour is read again."""
    rows: list[HourCount] = []
    for some in _pieces(sorted(hours)):
        within = Q()
        for hour in some:
            within |= Q(minute__gte=hour, minute__lt=hour + HOUR)
        sums = MinuteCount.objects.filter(within).values("series", hour=TruncHour("minute", tzinfo=UTC))
        rows += [HourCount(**found) for found in sums.annotate(arrivals=Sum("arrivals"), senders=Sum("senders"))]
    HourCount.objects.bulk_create(
        rows,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["series", "hour"],
        update_fields=["arrivals", "senders"],
    )


def _pieces(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[at : at + PIECES] for at in range(0, len(things), PIECES))


def distinct_senders(start: datetime, end: datetime, series: str = "all") -> int:
    """Different people who contacted us between two times, read from the journal."""
    rows = Arrival.objects.filter(counts_as__in=COUNTING, happened_at__gte=start, happened_at__lt=end)
    kind, _, name = series.partition(":")
    if kind == "medium":
        rows = rows.filter(channel__in=[channel for channel, medium in MEDIUM_OF.items() if medium == name])
    elif kind == "line":
        rows = rows.filter(line=name)
    return rows.exclude(sender="").values("sender").distinct().count() + rows.filter(sender="").count()
