"""The page of mail that waits for a person: what failed, and what nobody knows the end of."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from tickets import outbox
from tickets.models import Lane, Outgoing, WorkState
from tickets.roles import Power, needs

PAGE = 50
# What a button does, and how its outcome reads.
ACTIONS = {
    "again": (outbox.send_again, "will leave again"),
    "sent": (outbox.count_as_sent, "count as sent"),
}


@require_GET
@needs(Power.WORK_DESK)
def show(request: HttpRequest) -> HttpResponse:
    """Failed and uncertain mail, the newest first, and how long the oldest due mail of each lane has waited."""
    rows = Outgoing.objects.filter(state__in=[WorkState.UNCERTAIN, WorkState.FAILED]).select_related("ticket")
    before = request.GET.get("before", "")
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before[:18]))
    found = list(rows.order_by("-pk")[: PAGE + 1])
    context = {
        "rows": found[:PAGE],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "paged": bool(before),
        "lanes": [(lane.label, _oldest(lane)) for lane in Lane],
        "now": timezone.now(),
    }
    return render(request, "desk/outbox.html", context)


@require_POST
@needs(Power.WORK_DESK)
def act(request: HttpRequest) -> HttpResponse:
    """Does what a person decided for the rows that they ticked; rows that moved meanwhile are left alone."""
    chosen = [int(value[:18]) for value in request.POST.getlist("pick")[:PAGE] if value.isdecimal()]
    if request.POST.get("action") in ACTIONS and chosen:
        decide, outcome = ACTIONS[request.POST["action"]]
        done = sum(decide(pk, request.user) for pk in chosen)  # type: ignore[arg-type]  # signed in, by its power
        messages.success(request, f"{done} of {len(chosen)} {outcome}.")
    else:
        messages.warning(request, "Tick the mail first that you decide about.")
    return redirect("outbox")


def _oldest(lane: Lane) -> Outgoing | None:
    due = Outgoing.objects.filter(lane=lane, state=WorkState.QUEUED, due_at__lte=timezone.now())
    return due.order_by("due_at").only("due_at").first()
