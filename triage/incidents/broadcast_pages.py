"""The page of a bulk reply: how far it is, and the brakes."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from tickets import outbox
from tickets.models import WorkState
from tickets.roles import Power, needs, powers_of
from triage.incidents import broadcast as bulk
from triage.models import Broadcast

ACTS: dict[str, Callable[[Broadcast, Any], object]] = {"pause": bulk.pause, "resume": bulk.resume, "stop": bulk.stop}


@needs(Power.WORK_DESK)
@require_safe
def broadcast(request: HttpRequest, pk: int) -> HttpResponse:
    """Progress; asked by htmx, the moving part alone."""
    found = get_object_or_404(Broadcast.objects.select_related("incident__problem", "job", "by"), pk=pk)
    template = "incidents/_broadcast.html" if request.htmx else "incidents/broadcast.html"  # type: ignore[attr-defined]
    context = {"broadcast": found, "runs": Power.RUN_INCIDENTS in powers_of(request.user), **numbers(found)}
    return render(request, template, context)


@needs(Power.RUN_INCIDENTS)
@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Pause, resume or stop."""
    if verb not in ACTS:
        raise Http404
    found = get_object_or_404(Broadcast.objects.select_related("incident"), pk=pk)
    ACTS[verb](found, request.user)
    return redirect("broadcast", found.pk)


def numbers(found: Broadcast) -> dict[str, Any]:
    """People by what became of them. `settled` of `total` is the bar; `live` while it still moves."""
    mails = {str(state): count for state, count in outbox.progress(found.group).items()}
    job = found.job
    left_out = job.skipped + job.unreachable
    total = max(job.total, job.expanded)
    waiting = mails.get("queued", 0) + mails.get("sending", 0) + max(total - job.expanded, 0)
    if found.stopped_at:
        waiting = mails.get("sending", 0)
    settled = sum(mails.get(state, 0) for state in ("sent", "failed", "suppressed", "uncertain")) + left_out
    working = job.state in (WorkState.QUEUED, WorkState.SENDING)
    return {
        "mails": mails,
        "total": total,
        "waiting": waiting,
        "settled": settled,
        "expanding": working,
        "live": (working or waiting > 0) and not found.paused,
    }
