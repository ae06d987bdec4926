"""Mail that is not read yet may be machines': what looks like a surge and is made of it waits until it was read.

A broadcast draws automatic answers by the hundred within a minute, and each counts until it is understood. Reading
takes a second or two; where it takes longer than PATIENCE, nobody waits for it: then too much comes in to be read.
"""

from datetime import datetime, timedelta

from tickets.models import MEDIUM_OF, Medium
from triage.surge import counts

PATIENCE = timedelta(seconds=60)
# The share of what came since it began, from which on it waits.
SHARE = 0.5
MAIL = [channel for channel, medium in MEDIUM_OF.items() if medium == Medium.EMAIL]


def waits(series: str, began: datetime, now: datetime) -> bool:
    """Whether what came on a series since `began` is for the most part mail of this minute that nobody has read."""
    rows = counts.of(series).filter(happened_at__gte=began, happened_at__lte=now)
    fresh = rows.filter(counts_as="", channel__in=MAIL, happened_at__gte=now - PATIENCE).count()
    return fresh > 0 and fresh >= SHARE * rows.count()
