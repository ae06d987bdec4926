"""The audit trail's page: who did what, on what, and what it changed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tickets.models import AuditEntry
from tickets.roles import Power, needs, powers_of
from tickets.wording import words
from triage.trail import targets, wording

PAGE = 100
# Tickets of one entry that are named.
NAMED = 10


@require_GET
@needs(Power.RUN_INCIDENTS)
def show(request: HttpRequest) -> HttpResponse:
    """Who did what, the newest first; `before` is the id of the last one on the page before."""
    entries = AuditEntry.objects.select_related("by").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.filter(pk__lt=int(before))
    found = list(entries[: PAGE + 1])
    rows = _rows(found[:PAGE], manages_people=Power.MANAGE_PEOPLE in powers_of(request.user))
    context = {"rows": rows, "older": found[PAGE - 1].pk if len(found) > PAGE else None, "before": before}
    return render(request, "trail/audit.html", context)


def _rows(entries: list[AuditEntry], *, manages_people: bool) -> list[dict[str, Any]]:
    say = words("trail", "en")
    named = targets.of(entries, manages_people=manages_people)
    people = targets.colleagues({pk for entry in entries for pk in wording.colleagues_in(entry.detail)})
    return [
        {
            "entry": entry,
            "what": wording.what(entry.action, entry.detail, say),
            "target": named[entry.pk],
            "details": wording.details(entry.action, entry.detail, say, people),
            **_several(entry.detail.get("tickets")),
        }
        for entry in entries
    ]


def _several(ids: Any) -> dict[str, Any]:
    """The tickets of an act on more than one, as many as are worth naming."""
    if not isinstance(ids, list) or len(ids) < 2:
        return {}
    return {"tickets": [targets.tickets_link(pk) for pk in ids[:NAMED]], "more": max(0, len(ids) - NAMED)}
