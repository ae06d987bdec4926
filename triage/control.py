"""The control room: what is coming in, how far from usual that is, and what may be done about it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from tickets.roles import Power, needs
from triage.models import Surge
from triage.surge import surges

DECISIONS = {"dismiss": surges.dismiss, "take-back": surges.take_back}


@needs(Power.WORK_DESK)
@require_safe
def room(request: HttpRequest) -> HttpResponse:
    """The page; to htmx, the part of it that lives."""
    return render(request, "triage/control.html", {})


@needs(Power.WORK_DESK)
@require_safe
def surge(request: HttpRequest, pk: int) -> HttpResponse:
    """One surge and what is part of it."""
    found = get_object_or_404(Surge.objects.select_related("parent", "dismissed_by"), pk=pk)
    return render(request, "triage/surge.html", {"surge": found})


@needs(Power.RUN_INCIDENTS)
@require_POST
def decide(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """A manager says that it is no surge, or takes that back."""
    if verb not in DECISIONS:
        raise Http404
    DECISIONS[verb](get_object_or_404(Surge, pk=pk), request.user)
    return redirect("surge", pk)
