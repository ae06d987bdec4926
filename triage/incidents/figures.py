"""An incident in figures, for the write-up that customers are owed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.timesince import timesince

from triage.models import Incident, Job, Surge, Update
from voice.models import Callback


def of(incident: Incident, updates: Sequence[Update]) -> list[tuple[str, str]]:
    """What is known of an incident that was left, by name, in the order of its days. `updates`: the newest first.

    A constant number of queries, none of the journal. What its page counts anyway is not counted here once more.
    """
    return list(_figures(incident, [one for one in reversed(updates) if one.status != Update.Status.POSTMORTEM]))


def _figures(incident: Incident, updates: Sequence[Update]) -> Iterator[tuple[str, str]]:
    resolved = [one.at for one in updates if one.status == Update.Status.RESOLVED]
    began, end = _whole(incident.started_at), _whole(resolved[-1] if resolved else incident.left_at or timezone.now())
    yield "Affected", f"{_clock(began)} to {_clock(end, after=began)}: {timesince(began, end)}"
    surge = incident.surge or _surge(began, end)
    if surge:
        yield "Surge noticed", _after(began, surge.detected_at)
        came = f"{surge.total:,} requests from {surge.senders:,} people, where {surge.expected:,.0f} are usual"
        yield "In the surge", f"{came}; at its peak ×{surge.peak_ratio:.0f}"
    yield "Incident mode entered", _after(began, incident.entered_at)
    told = [_whole(one.at) for one in updates]
    earlier, later = max(pairwise(told), key=lambda two: two[1] - two[0], default=(end, end))
    apart = f", at most {timesince(earlier, later)} apart" if earlier < later else ""
    yield "Public updates", f"{len(told)}{apart}"
    yield from _callbacks(incident)
    mails = incident.jobs.filter(kind=Job.Kind.BROADCAST).aggregate(mails=Sum("expanded"))["mails"]
    if mails:
        yield "Replies in bulk", f"{mails:,}"


def _callbacks(incident: Incident) -> Iterator[tuple[str, str]]:
    asked = Callback.objects.filter(problem=incident.problem_id, simulated=False)
    is_open, called = Q(state__in=Callback.OPEN_STATES), Q(state=Callback.State.DONE)
    found = asked.aggregate(all=Count("pk"), open=Count("pk", filter=is_open), done=Count("pk", filter=called))
    if found["all"]:
        yield "Callbacks", f"{found['all']:,} asked for, {found['done']:,} returned, {found['open']:,} still open"


def _after(began: datetime, at: datetime) -> str:
    at = _whole(at)
    span = f"{timesince(began, at)} after" if at >= began else f"{timesince(at, began)} before"
    return f"{_clock(at, after=began)}, {span} customers were affected"


def _whole(at: datetime) -> datetime:
    """The minute that people read: lengths of time are reckoned from what they see."""
    return at.replace(second=0, microsecond=0)


def _clock(at: datetime, after: datetime | None = None) -> str:
    """Day and time; the time alone on the day of what was named before."""
    here = timezone.localtime(at)
    if after is not None and timezone.localtime(after).date() == here.date():
        return f"{here:%H:%M %Z}"
    return f"{here:%-d %B %Y, %H:%M %Z}"


def _surge(began: datetime, end: datetime) -> Surge | None:
    """The first that was on in that time, of those that paged somebody."""
    on = Q(ended_at=None) | Q(ended_at__gte=began)
    rows = Surge.objects.filter(on, parent=None, dismissed_at=None, level=Surge.Level.PAGE, began_at__lte=end)
    return rows.order_by("detected_at").first()
