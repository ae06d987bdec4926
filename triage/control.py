"""The control room: what is coming in, how far from usual that is, and what may be done about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tickets import changes
from tickets.models import Outgoing, Ticket, WorkState
from tickets.roles import Power, needs, powers_of
from triage.alerting.pages import recent
from triage.health import health
from triage.models import Incident, SeriesState, Surge
from triage.state_bar import EBBING
from triage.surge import about, chart, counts, subjects, topics_page
from triage.surge.series import MEDIUM, name_of
from triage.surge.volume import Volume, volume
from triage.surge.volume_table import rows_of
from voice.models import Announcement, Callback, Line

TOPICS = ["alerts", "counts", "surge", "incident", "lines", "outbox", "tickets"]
# Open tickets and callbacks are counted up to here.
MOST = 10_000
# How long a dismissed surge offers to take that back.
UNDO = timedelta(hours=1)
ALERTS = 5


@dataclass(frozen=True, slots=True)
class Headline:
    """The sentence at the top: `mood` is unknown, quiet, usual, more, surge or ebbing; `mostly` a medium or empty."""

    mood: str
    times: float = 0.0
    mostly: str = ""


def headline(times: float | None, mostly: str, *, surging: bool) -> Headline:
    """What the sentence says of a volume `times` the usual one."""
    if times is None:
        return Headline("unknown")
    if surging and times < EBBING:
        return Headline("ebbing", times)
    if surging or times >= 3:
        return Headline("surge" if surging else "more", times, mostly)
    moods = ((0.5, "quiet"), (1.5, "usual"))
    return Headline(next((mood for below, mood in moods if times < below), "more"), times, mostly)


@needs(Power.WORK_DESK)
@require_safe
def room(request: HttpRequest) -> HttpResponse:
    """The page; `?live` is the part of it that is polled, `?table` has tables in place of the charts."""
    if "live" in request.GET:
        return changes.poll(request, TOPICS, lambda: render(request, "triage/_control.html", _facts(request)))
    return render(request, "triage/control.html", _facts(request))


@needs(Power.WORK_DESK)
@require_safe
def surge(request: HttpRequest, pk: int) -> HttpResponse:
    """One surge and what is part of it."""
    found = get_object_or_404(Surge.objects.select_related("parent", "dismissed_by", "declared_by", "terms"), pk=pk)
    lines = {f"line:{key}": name for key, name in Line.objects.values_list("key", "name")} | topics_page.names()
    context = {
        "surge": found,
        "name": lines.get(found.series) or name_of(found.series),
        "children": [
            (lines.get(child.series) or name_of(child.series), child)
            for child in found.children.order_by("series")[:50]
        ],
        "about": about.shown(found),
        "subjects": subjects.since(found.began_at, found.ended_at),
        "incidents": found.incidents.select_related("problem").order_by("-pk")[:10],
        "alerts": recent(ALERTS, found.pk),
        "runs": Power.RUN_INCIDENTS in powers_of(request.user),
    }
    return render(request, "triage/surge.html", context)


def _facts(request: HttpRequest) -> dict[str, Any]:
    """All that the page shows, in a constant number of queries."""
    now = timezone.now()
    found = _surge_on(now)
    surging = found if found is not None and found.dismissed_at is None and found.ended_at is None else None
    seen = volume(now, surging)
    state_of_house = health(now)
    charts = [] if "table" in request.GET else _charts(seen)
    return {
        "now": now,
        "headline": headline(seen.times, seen.mostly, surging=surging is not None),
        "surge": found,
        "surging": surging,
        "about": about.shown(surging),
        "parts": _parts() if surging else [],
        "volume": seen,
        "people": surging.senders if surging else _people(now, seen.last_hour),
        "charts": charts,
        "tables": _tables(seen) if "table" in request.GET else [],
        "open": _open_tickets(),
        "callbacks": _callbacks(now),
        "health": state_of_house,
        "incidents": _incidents(),
        "lines": _lines(now),
        "alerts": recent(ALERTS),
        "runs": Power.RUN_INCIDENTS in powers_of(request.user),
        "demo": settings.DEMO,
    }


def _surge_on(now: datetime) -> Surge | None:
    """The surge that is on, or the one that was dismissed a moment ago."""
    on = Surge.objects.filter(ended_at=None, parent=None, level=Surge.Level.PAGE)
    on = on.filter(Q(dismissed_at=None) | Q(dismissed_at__gte=now - UNDO))
    found = on.select_related("dismissed_by", "terms").order_by("dismissed_at", "began_at")
    return next((one for one in found if one.dismissed_at is None), None) or found.first()


def _people(now: datetime, requests: int) -> int:
    """In the last hour. The journal is ahead of the counts: there are never more people than requests beside them."""
    return min(counts.distinct_senders(now - timedelta(hours=1), now), requests)


def _parts() -> list[tuple[str, float]]:
    """Times usual by medium, the highest first."""
    rows = SeriesState.objects.filter(series__startswith=MEDIUM).values_list("series", "ratio")
    return sorted(((name_of(series), ratio) for series, ratio in rows if ratio >= 1.5), key=lambda one: -one[1])


def _charts(seen: Volume) -> list[dict[str, Any]]:
    """Each chart in two widths: text in a drawing that shrinks cannot be read."""
    sizes = (("wide", 860, 300, 200), ("narrow", 400, 260, 190))
    drawings = (("days", seen.days), ("minutes", seen.minutes))
    return [
        {
            "name": name,
            "drawing": drawing,
            "sizes": [
                chart.draw(drawing, kind, width, high if name == "days" else low) for kind, width, high, low in sizes
            ],
        }
        for name, drawing in drawings
    ]


def _tables(seen: Volume) -> list[dict[str, Any]]:
    """The same as text: by day, and by ten minutes."""
    return [
        {"name": "days", "drawing": seen.days, "rows": rows_of(seen.days, 24)},
        {"name": "minutes", "drawing": seen.minutes, "rows": rows_of(seen.minutes, 10)},
    ]


def _open_tickets() -> dict[str, Any]:
    rows = Ticket.objects.filter(state=Ticket.State.OPEN).order_by()
    oldest = Ticket.objects.filter(state=Ticket.State.OPEN, waiting_since__isnull=False).order_by("waiting_since", "id")
    return {
        "count": rows.values("pk")[: MOST + 1].count(),
        "most": MOST,
        "oldest": oldest.values_list("waiting_since", flat=True).first(),
    }


def _callbacks(now: datetime) -> dict[str, int]:
    due = Callback.objects.filter(state__in=Callback.OPEN_STATES).order_by()
    done = Callback.objects.filter(state=Callback.State.DONE, done_at__gte=now - timedelta(days=1)).order_by()
    return {name: rows.values("pk")[:MOST].count() for name, rows in (("due", due), ("done", done))}


def _incidents() -> list[dict[str, Any]]:
    """Incidents that are on, with the newest bulk reply of each and how far it is."""
    on = Incident.objects.filter(left_at=None).select_related("problem", "entered_by").prefetch_related("broadcasts")
    found = []
    for incident in on.order_by("-entered_at")[:3]:
        broadcast = max(incident.broadcasts.all(), key=lambda one: one.pk, default=None)
        found.append({"incident": incident, "broadcast": broadcast, "tally": _tally(broadcast)})
    return found


def _tally(broadcast: Any) -> dict[str, int]:
    if broadcast is None:
        return {}
    rows = Outgoing.objects.filter(group=broadcast.group)
    return rows.aggregate(
        all=Count("pk"),
        done=Count("pk", filter=~Q(state__in=[WorkState.QUEUED, WorkState.SENDING])),
        failed=Count("pk", filter=Q(state__in=[WorkState.FAILED, WorkState.UNCERTAIN])),
    )


def _lines(now: datetime) -> list[dict[str, Any]]:
    announcing = set(Announcement.objects.in_force(now).order_by().values_list("line_id", flat=True))
    return [{"line": line, "announcing": line.pk in announcing} for line in Line.objects.filter(active=True)[:12]]
