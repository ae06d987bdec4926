"""The state of the house in one line: incident mode, a surge, or nothing; over every page and current by polling."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tickets import changes
from tickets.models import Ticket
from tickets.roles import Power, needs
from triage.models import Incident, SeriesState, Surge
from voice.models import Announcement

# Linked tickets are counted up to here; the bar says "more than" beyond.
COUNTED = 10_000
# Times the usual volume below which a surge that is on is told as ebbing.
EBBING = 1.5


@dataclass(frozen=True, slots=True)
class State:
    """What the bar says. `kind` is "incident", "surge" or empty; `action` is where its button leads."""

    kind: str = ""
    title: str = ""
    since: datetime | None = None
    by: str = ""
    more: Sequence[str] = ()
    next: datetime | None = None
    overdue: bool = False
    link: str = ""
    action: str = ""
    action_label: str = ""


Quiet = State()


@needs(Power.ANSWER_TICKETS)
@require_safe
def bar(request: HttpRequest) -> HttpResponse:
    """The bar alone, for polling."""
    return changes.poll(request, ["alerts", "incident", "lines", "surge"], lambda: render(request, "_state_bar.html"))


def state_of(powers: Collection[str], now: datetime | None = None) -> State:
    """The state in force, with the links that someone with these powers may follow. Three queries at the most."""
    now = now or timezone.now()
    on = list(Incident.objects.filter(left_at=None).select_related("problem", "entered_by").order_by("-entered_at")[:5])
    return _incident(on, powers, now) if on else _surge(powers)


def _incident(on: Sequence[Incident], powers: Collection[str], now: datetime) -> State:
    newest = on[0]
    # Whoever presses the button wants the incident that owes an update next.
    promised = [incident for incident in on if incident.next_update_by]
    owing = min(promised, key=lambda incident: incident.next_update_by or now, default=newest)
    due = owing.next_update_by
    others = f" and {len(on) - 1} more" if len(on) > 1 else ""
    work, run = Power.WORK_DESK in powers, Power.RUN_INCIDENTS in powers
    page = _address("incidents") if others else _address("incident", newest.pk)
    return State(
        kind="incident",
        title=f"{newest.problem.title}{others}",
        since=newest.entered_at,
        by=_name(newest),
        more=_facts(on, now),
        next=due,
        overdue=due is not None and due <= now,
        link=page if work else "",
        action=f"{_address('incident', owing.pk)}#post" if run else "",
        action_label="Post update" if run else "",
    )


def _facts(on: Sequence[Incident], now: datetime) -> list[str]:
    lines = Announcement.objects.in_force(now).order_by().values("line").distinct().count()
    problems = [incident.problem_id for incident in on]
    linked = Ticket.objects.filter(problem__in=problems).order_by()[: COUNTED + 1].count()
    tickets = f"more than {COUNTED:,} tickets" if linked > COUNTED else f"{linked:,} {_plural(linked, 'ticket')}"
    return [f"{lines} {_plural(lines, 'line')} announcing", f"{tickets} linked"]


def _surge(powers: Collection[str]) -> State:
    surge = Surge.objects.on().order_by("began_at").first()
    if surge is None:
        return Quiet
    times = SeriesState.objects.filter(series=surge.series).values_list("ratio", flat=True).first()
    run = Power.RUN_INCIDENTS in powers
    return State(
        kind="surge",
        title=_volume(surge.peak_ratio if times is None else times),
        since=surge.began_at,
        more=[
            f"{surge.total:,} requests",
            # Counted a moment after it was found.
            *([f"{surge.senders:,} different people"] if surge.senders else []),
            f"peak ×{surge.peak_ratio:.0f}",
        ],
        link=_address("surge", surge.pk) if Power.WORK_DESK in powers else "",
        action=_address("incident_enter") if run else "",
        action_label="Enter incident mode…" if run else "",
    )


def _volume(times: float) -> str:
    # As the control room's headline says it: nothing that comes in is no surge of so many times.
    return f"×{times:.0f} usual volume" if times >= EBBING else "Surge (no more than usual just now)"


def _plural(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


def _name(incident: Incident) -> str:
    by = incident.entered_by
    return (by.get_short_name() or by.get_username()) if by else ""


def _address(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
