"""What people wrote in a stretch of time, and in ordinary weeks before it: samples, as large however much there is."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from tickets.models import Entry, Medium
from triage.models import Surge
from triage.surge.counts import COUNTING
from triage.surge.terms import LETTERS, Written

# A stretch is read in so many slices of equal length, the newest so many messages of each.
SLICES, PER_SLICE = 8, 250
# Ordinary weeks are read at one moment of each of so many days: the messages that lead up to it.
DAYS, PER_DAY = 28, 72
DAY = timedelta(days=1)
# The moments wander through the hours of the day by the golden ratio, which leaves no hour out.
GOLDEN = 0.618034

Row = tuple[int, int, int, str, str, str]


def during(start: datetime, end: datetime, medium: str = "") -> list[Written]:
    """At most SLICES × PER_SLICE of the messages of this time, by SLICES queries; `medium` empty: of all media."""
    step = (end - start) / SLICES
    rows: list[Row] = []
    for number in range(SLICES):
        rows += _newest(_messages(start + number * step, start + (number + 1) * step, medium), PER_SLICE)
    return list(_written(rows))


def ordinary(before: datetime, medium: str = "") -> list[Written]:
    """At most DAYS × PER_DAY messages of the weeks before, those in surges left out, by DAYS queries and one."""
    surges = _surges(before - (DAYS + 1) * DAY, before)
    rows: dict[int, Row] = {}
    for day in range(1, DAYS + 1):
        start, end = _calm(before - (day + day * GOLDEN % 1 - 1) * DAY, surges)
        if start < end:
            rows |= {row[0]: row for row in _newest(_messages(start, end, medium), PER_DAY)}
    return list(_written(rows.values()))


def newest(start: datetime, end: datetime, medium: str = "") -> int:
    """The id of the newest message of this time; 0 where there is none."""
    return _messages(start, end, medium).order_by("-happened_at").values_list("pk", flat=True).first() or 0


def _calm(moment: datetime, surges: Sequence[tuple[datetime, datetime]]) -> tuple[datetime, datetime]:
    """The day up to a moment, as far as no surge reaches into it; empty within a surge."""
    start = moment - DAY
    for began, ended in surges:
        if began <= moment < ended:
            return moment, moment
        if began < moment:
            start = max(start, ended)
    return start, moment


def _surges(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    later = Q(ended_at=None) | Q(ended_at__gte=start)
    found = Surge.objects.filter(later, parent=None, dismissed_at=None, began_at__lt=end).order_by("began_at")
    return [(began, ended or end) for began, ended in found.values_list("began_at", "ended_at")]


def _messages(start: datetime, end: datetime, medium: str) -> QuerySet[Entry]:
    """What counts as people's own words: no machine's, no spam, no test; callers' tickets hold only our words."""
    rows = Entry.objects.filter(
        Q(arrival=None) | Q(arrival__counts_as__in=COUNTING),
        kind=Entry.Kind.MESSAGE,
        happened_at__gte=start,
        happened_at__lt=end,
        ticket__simulated=False,
        ticket__unreadable=False,
    )
    return rows.filter(ticket__medium=medium) if medium else rows


def _newest(rows: QuerySet[Entry], most: int) -> list[Row]:
    names = ("pk", "ticket__requester_id", "ticket_id", "ticket__medium", "ticket__subject", "said")
    return list(rows.annotate(said=Left("visible", LETTERS)).order_by("-happened_at", "-pk").values_list(*names)[:most])


def _written(rows: Iterable[Row]) -> Iterator[Written]:
    for _, person, ticket, medium, subject, said in rows:
        yield Written(person, ticket, said if medium == Medium.PHONE else f"{subject}\n{said}")
