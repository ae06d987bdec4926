"""Mail that is not read yet may be machines': what looks like a surge and is made of it waits until it was read.

A broadcast draws automatic answers by the hundred within a minute, and each counts until it is understood. Reading
takes a second or two; where it takes longer than PATIENCE, nobody waits for it: then too much comes in to be read.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from tickets.models import MEDIUM_OF, Arrival, Medium
from triage.models import MinuteCount
from triage.surge import counts

PATIENCE = timedelta(seconds=60)
# The share of what came since it began, from which on it waits.
SHARE = 0.5
MAIL = [channel for channel, medium in MEDIUM_OF.items() if medium == Medium.EMAIL]


def waiting(began: Mapping[str, datetime], now: datetime) -> set[str]:
    """The series of which most that came since `began` is mail of this minute that nobody has read."""
    fresh = _fresh(began, now) if began else {}
    if not fresh:
        return set()
    rows = MinuteCount.objects.filter(series__in=fresh, minute__gte=min(began[series] for series in fresh))
    came: Counter[str] = Counter()
    for series, minute, arrivals in rows.filter(minute__lte=now).values_list("series", "minute", "arrivals"):
        came[series] += arrivals if minute >= began[series] else 0
    return {series for series, number in fresh.items() if number >= SHARE * came[series]}


def _fresh(began: Mapping[str, datetime], now: datetime) -> Counter[str]:
    """Mail that nobody has read, of this minute and counted by now."""
    rows = Arrival.objects.filter(counts_as="", counted=True, channel__in=MAIL)
    rows = rows.filter(happened_at__gte=now - PATIENCE, happened_at__lte=now)
    # What nobody has read is about nothing yet.
    fresh: Counter[str] = Counter()
    for at, channel, line in rows.values_list("happened_at", "channel", "line"):
        fresh.update(series for series in counts.series_of(channel, line) if series in began and began[series] <= at)
    return fresh
