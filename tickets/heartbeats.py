"""Signs of life of what brings us arrivals: a mailbox that was polled, a door of ours that answered us from outside."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils import timezone

from tickets.models import Heartbeat, Pulse

# The sources: the public form and inbound webhooks; and `mailbox:<name>` for each mailbox. Others have names of theirs.
FRONT, MAILBOX = "front", "mailbox:"
# Between two heartbeats that are no further apart a source was alive.
BRIDGE = timedelta(minutes=3)
# Minutes are kept for so long: until they were judged, and a while to look.
KEPT = timedelta(days=2)

MINUTE = timedelta(minutes=1)


def beat(source: str, began: datetime, ended: datetime | None = None) -> None:
    """A source showed life from `began` to `ended` (now, unless told)."""
    ended = ended or timezone.now()
    pulse, _ = Pulse.objects.get_or_create(source=source, defaults={"first_at": began})
    if pulse.last_at is not None and began - BRIDGE <= pulse.last_at < began:
        began = pulse.last_at
    at, minutes = began.replace(second=0, microsecond=0), []
    while at <= ended:
        minutes.append(at)
        at += MINUTE
    Heartbeat.objects.bulk_create([Heartbeat(source=source, minute=at) for at in minutes], ignore_conflicts=True)
    first = pulse.first_at or began
    Pulse.objects.filter(pk=pulse.pk).update(first_at=first, last_at=ended, failing_since=None, error="")


def missed(source: str, why: str, at: datetime | None = None) -> None:
    """A source was asked for life and showed none; says why."""
    at = at or timezone.now()
    pulse, _ = Pulse.objects.get_or_create(source=source)
    Pulse.objects.filter(pk=pulse.pk).update(failing_since=pulse.failing_since or at, error=why[:300])


def missing(start: datetime, end: datetime, expected: Collection[str]) -> dict[datetime, set[str]]:
    """The minutes from `start` to `end` in which expected sources gave no heartbeat, with those sources.

    A source is expected from its first heartbeat on: what came before was not ours to hear.
    """
    first = dict(Pulse.objects.filter(source__in=expected, first_at__lte=end).values_list("source", "first_at"))
    if not first:
        return {}
    heard = set(Heartbeat.objects.filter(minute__gte=start, minute__lte=end).values_list("source", "minute"))
    found: dict[datetime, set[str]] = defaultdict(set)
    minute = start
    while minute <= end:
        for source, since in first.items():
            if since is not None and since <= minute and (source, minute) not in heard:
                found[minute].add(source)
        minute += MINUTE
    return dict(found)


def forget(now: datetime | None = None) -> int:
    """Deletes heartbeats that nobody will ask for any more."""
    return Heartbeat.objects.filter(minute__lt=(now or timezone.now()) - KEPT).delete()[0]
