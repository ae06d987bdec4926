"""The audit trail's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tickets.models import AuditEntry
from tickets.roles import Power, needs

PAGE = 100


@require_GET
@needs(Power.RUN_INCIDENTS)
def show(request: HttpRequest) -> HttpResponse:
    """Who did what, the newest first; `before` is the id of the last one on the page before."""
    entries = AuditEntry.objects.select_related("by").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.filter(pk__lt=int(before))
    rows = list(entries[: PAGE + 1])
    context = {"rows": rows[:PAGE], "older": rows[PAGE - 1].pk if len(rows) > PAGE else None, "before": before}
    return render(request, "desk/audit.html", context)
