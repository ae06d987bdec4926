"""The page of those who heard an incident's message on the phone and asked for nothing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from tickets.roles import Power, needs
from triage.models import Incident
from voice import listeners, texts

PAGE = 50
# Where they hung up, in the order of `listeners.STEPS`.
HUNG_UP = (
    "before anything was said", "in the message or at its menu", "while it rang at our agents", "at the menu",
    "while entering a number", "before confirming a number", "while leaving a message",
)  # fmt: skip


@needs(Power.WORK_DESK)
@require_safe
def only_listened(request: HttpRequest, pk: int) -> HttpResponse:
    """The numbers that heard the message and asked for nothing, and how far their closing message is."""
    found = get_object_or_404(Incident.objects.select_related("problem"), pk=pk)
    page = request.GET.get("page", "")
    start = int(page[:6]) * PAGE if page.isdecimal() else 0
    rows = list(listeners.of(found.problem)[start : start + PAGE + 1])
    context = {
        "incident": found,
        "rows": [{**row, "where": HUNG_UP[row["reached"]]} for row in rows[:PAGE]],
        "older": start // PAGE + 1 if len(rows) > PAGE else None,
        "paged": bool(start),
        "withheld": listeners.withheld(found.problem),
        "texts": texts.progress(listeners.group_of(found.problem)),
        "minutes": texts.minutes_left(),
    }
    return render(request, "incidents/listeners.html", context)
