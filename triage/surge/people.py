"""How many different people contacted us in surges: counted beside the tick, for the more come the longer it takes."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.utils import timezone

from tickets import changes
from tickets.models import Arrival
from triage.models import Surge
from triage.surge import bulk, counts
from triage.surge.series import ALL, MEDIUM, pages

# The people of a surge that goes on are counted anew when its total has grown by this share; always while it is small
# and one of those that page.
GROWN = 1.1
SMALL = 2000
# Surges that are counted in one go.
MOST = 500

Span = tuple[str, datetime, datetime]
# A series, which of the stretches between two bounds, who ("" for those unknown) and how many times.
Met = tuple[str, int, str, int]


def refresh(now: datetime | None = None) -> int:
    """Counts the people of surges that have grown or ended since they were counted. Returns of how many."""
    now = now or timezone.now()
    found = list(_due().values_list("pk", "series", "began_at", "ended_at", "seen_at", "total")[:MOST])
    if not found:
        return 0
    numbers = counted([(series, began, ended or seen or now) for _, series, began, ended, seen, _ in found])
    rows = [(number, total, pk) for number, (pk, *_, total) in zip(numbers, found, strict=True)]
    bulk.update(Surge, "id", ("senders", "senders_at"), rows)
    changes.bump("surge")
    return len(rows)


def _due() -> QuerySet[Surge]:
    """In the order in which transactions that write surges lock them."""
    is_small = Q(total__lte=SMALL) & (Q(series=ALL) | Q(series__startswith=MEDIUM))
    has_grown = Q(total__gte=F("senders_at") * GROWN)
    return Surge.objects.filter(~Q(senders_at=F("total")), Q(ended_at__isnull=False) | is_small | has_grown).order_by(
        "pk"
    )


def counted(spans: Sequence[Span]) -> list[int]:
    """Different people of each (series, from, until), in that order; somebody unknown is a person of their own.

    Where a series pages the database counts, since what pages are few and large; all others share one reading, or two
    where there are topics.
    """
    found = [counts.distinct_senders(start, end, series) if pages(series) else 0 for series, start, end in spans]
    shared = {n: span for n, span in enumerate(spans) if not pages(span[0])}
    if shared:
        for n, number in zip(shared, _together(list(shared.values())), strict=True):
            found[n] = number
    return found


def _together(spans: Sequence[Span]) -> list[int]:
    """Each person is read once for every stretch between two bounds of any span, which is exact wherever these lie."""
    bounds = sorted({at for _, start, end in spans for at in (start, end)})
    wanted: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for n, (series, start, end) in enumerate(spans):
        wanted[series].append((n, bisect_left(bounds, start), bisect_left(bounds, end)))
    known: list[set[str]] = [set() for _ in spans]
    unknown = [0] * len(spans)
    for series, piece, sender, times in _met(wanted, bounds):
        for n, first, last in wanted[series]:
            if not first <= piece < last:
                continue
            if sender:
                known[n].add(sender)
            else:
                unknown[n] += times
    return [len(people) + number for people, number in zip(known, unknown, strict=True)]


def _met(series: Iterable[str], bounds: Sequence[datetime]) -> Iterator[Met]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for one in series:
        kind, _, key = one.partition(":")
        by_kind[kind].append(key)
    rows = Arrival.objects.filter(counts_as__in=counts.COUNTING, happened_at__gte=bounds[0], happened_at__lt=bounds[-1])
    pieces = [When(happened_at__lt=at, then=Value(n)) for n, at in enumerate(bounds[1:])]
    rows = rows.annotate(piece=Case(*pieces, default=Value(len(pieces))))
    if by_kind["line"]:
        yield from _grouped(rows.filter(line__in=by_kind["line"]), "line")
    if by_kind["topic"]:
        yield from _grouped(rows.filter(topics__key__in=by_kind["topic"]), "topic", "topics__key")


def _grouped(rows: QuerySet[Arrival], kind: str, column: str = "") -> Iterator[Met]:
    groups = rows.order_by().values_list(column or kind, "piece", "sender").annotate(times=Count("pk"))
    for key, piece, sender, times in groups.iterator(chunk_size=5000):
        yield f"{kind}:{key}", piece, sender, times
