"""The page of text messages that wait for a person: what failed, and what nobody knows the end of."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from tickets.models import WorkState
from tickets.roles import Power, needs
from voice import texts
from voice.models import TextMessage

PAGE = 50
# What a button does, and how its outcome reads.
ACTIONS = {
    "again": (texts.send_again, "will leave again"),
    "sent": (texts.count_as_sent, "count as sent"),
}


@require_GET
@needs(Power.WORK_DESK)
def show(request: HttpRequest) -> HttpResponse:
    """Failed and uncertain texts, the newest first."""
    rows = TextMessage.objects.filter(state__in=[WorkState.UNCERTAIN, WorkState.FAILED]).select_related("ticket")
    before = request.GET.get("before", "")
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before[:18]))
    found = list(rows.order_by("-pk")[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else None
    return render(request, "voice/texts.html", {"rows": found[:PAGE], "older": older, "paged": bool(before)})


@require_POST
@needs(Power.WORK_DESK)
def act(request: HttpRequest) -> HttpResponse:
    """Does what a person decided for the rows that they ticked; rows that moved meanwhile are left alone."""
    chosen = [int(value[:18]) for value in request.POST.getlist("pick")[:PAGE] if value.isdecimal()]
    if request.POST.get("action") in ACTIONS and chosen:
        decide, outcome = ACTIONS[request.POST["action"]]
        done = sum(decide(pk, request.user) for pk in chosen)
        messages.success(request, f"{done} of {len(chosen)} {outcome}.")
    else:
        messages.warning(request, "Tick the texts first that you decide about.")
    return redirect("texts")
