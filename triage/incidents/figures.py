"""An incident in figures, for the write-up that customers are owed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Q, Sum
from django.utils import timezone

from tickets.models import Ticket
from triage.models import Incident, Job, Surge, Update
from voice import listeners
from voice.models import Callback


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was counted, as people say it."""

    name: str
    said: str


def of(incident: Incident) -> list[Figure]:
    """What is known of an incident, in the order of its days. A constant number of queries, none of the journal."""
    return [Figure(name, said) for name, said in _figures(incident)]


def _figures(incident: Incident) -> Iterator[tuple[str, str]]:
    began = _whole(incident.started_at)
    updates = list(incident.updates.exclude(status=Update.Status.POSTMORTEM).order_by("at").values_list("at", "status"))
    resolved = [at for at, status in updates if status == Update.Status.RESOLVED]
    end = _whole(resolved[-1] if resolved else incident.left_at or timezone.now())
    yield "Affected", f"{_clock(began)} to {_clock(end, after=began)}: {in_full(end - began)}"
    surge = incident.surge or _surge(began, end)
    if surge:
        yield "Surge noticed", f"{_clock(surge.detected_at, after=began)}, {_after(surge.detected_at - began)}"
        came = f"{surge.total:,} requests from {surge.senders:,} people, where {surge.expected:,.0f} are usual"
        yield "In the surge", f"{came}; at its peak ×{surge.peak_ratio:.0f}"
    entered = incident.entered_at
    yield "Incident mode entered", f"{_clock(entered, after=began)}, {_after(entered - began)}"
    yield "Public updates", _rhythm([at for at, _ in updates])
    tickets = incident.problem.tickets.aggregate(all=Count("pk"), open=Count("pk", filter=Q(state=Ticket.State.OPEN)))
    yield "Tickets linked", f"{tickets['all']:,}, {tickets['open'] or 'none'} of them still open"
    yield from _calls(incident)
    mails = incident.jobs.filter(kind=Job.Kind.BROADCAST).aggregate(mails=Sum("expanded"))["mails"]
    if mails:
        yield "Replies in bulk", f"{mails:,}"


def in_full(span: timedelta) -> str:
    """A length of time in its two largest units: "8 minutes", "3 hours 20 minutes", "2 days 4 hours"."""
    minutes = max(int(span.total_seconds() // 60), 0)
    units = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    said = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in units if number]
    return " ".join(said[:2]) or "less than a minute"


def _after(span: timedelta) -> str:
    return f"{in_full(abs(span))} {'after' if span >= timedelta(0) else 'before'} customers were affected"


def _rhythm(times: Sequence[datetime]) -> str:
    longest = max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))
    return f"{len(times)}" + (f", at most {in_full(longest)} apart" if longest >= timedelta(minutes=1) else "")


def _calls(incident: Incident) -> Iterator[tuple[str, str]]:
    asked = Callback.objects.filter(problem=incident.problem_id, simulated=False)
    is_open, called = Q(state__in=Callback.OPEN_STATES), Q(state=Callback.State.DONE)
    found = asked.aggregate(all=Count("pk"), open=Count("pk", filter=is_open), done=Count("pk", filter=called))
    if found["all"]:
        yield "Callbacks", f"{found['all']:,} asked for, {found['done']:,} returned, {found['open']:,} still open"
    heard = listeners.count(incident.problem)
    if heard:
        yield "Heard the message and asked for nothing", f"{heard:,} number{'' if heard == 1 else 's'}"


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
