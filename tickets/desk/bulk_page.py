"""Bulk actions on the queue: choose, look, confirm; at most 500 at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from tickets.desk import acts, queue, undoing
from tickets.desk.people import colleagues
from tickets.models import Problem, Ticket
from tickets.roles import Power, needs

HEADINGS = {"assign": "Assign", "link": "Link to a problem", "solve": "Solve"}


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen tickets. `fault` says why they cannot be acted on."""

    ids: list[int]
    fault: str = ""


def selection_of(request: HttpRequest) -> Selection:
    """The ticked tickets, or all that match the view they were ticked in."""
    if request.POST.get("all"):
        problem = request.POST.get("problem", "")
        view = queue.view_of(request.POST)
        matching = queue.tickets_in(view, request.user, int(problem) if problem.isdecimal() else None)
        order = "-solved_at" if view == "solved" else "waiting_since"
        ids = list(matching.order_by(order, "pk").values_list("pk", flat=True)[: acts.BOUND + 1])
    else:
        ids = [int(pk) for pk in request.POST.getlist("ticket") if pk.isdecimal()][: acts.BOUND + 1]
    if not ids:
        return Selection([], "Nothing is selected: tick some first.")
    if len(ids) > acts.BOUND:
        return Selection([], f"More than {acts.BOUND} tickets match. Narrow the view, or work through them in parts.")
    return Selection(ids)


@require_POST
@needs(Power.WORK_DESK)
def look(request: HttpRequest) -> HttpResponse:
    """Shows what a bulk action will do before it does."""
    act, selection = request.POST.get("act", ""), selection_of(request)
    if act not in HEADINGS or selection.fault:
        messages.error(request, selection.fault or "Choose what to do with the selected tickets.")
        return redirect("queue")
    return _confirm(request, act, selection.ids)


def _confirm(request: HttpRequest, act: str, ids: list[int], error: str = "") -> HttpResponse:
    chosen = Ticket.objects.filter(pk__in=ids).select_related("requester").prefetch_related("requester__identities")
    context = {
        "act": act,
        "heading": f"{HEADINGS[act]}: {len(ids)} ticket{'' if len(ids) == 1 else 's'}",
        "ids": ",".join(str(pk) for pk in ids),
        "count": len(ids),
        "first": chosen.order_by("waiting_since", "pk")[:10],
        "rest": max(len(ids) - 10, 0),
        "colleagues": colleagues() if act == "assign" else [],
        "problems": Problem.objects.filter(open=True).order_by("-opened_at")[:50] if act == "link" else [],
        "error": error,
    }
    return render(request, "desk/bulk.html", context, status=422 if error else 200)


@require_POST
@needs(Power.WORK_DESK)
def do(request: HttpRequest) -> HttpResponse:
    """Does what was confirmed, and offers to undo it."""
    act = request.POST.get("act", "")
    ids = [int(pk) for pk in request.POST.get("ids", "").split(",") if pk.isdecimal()][: acts.BOUND]
    if act not in _DOERS or not ids:
        messages.error(request, "Choose the tickets and what to do with them.")
        return redirect("queue")
    done = _DOERS[act](request, ids)
    if isinstance(done, str):
        return _confirm(request, act, ids, error=done)
    undoing.offer(request, done)
    if not done.before:
        messages.info(request, "Nothing to do: the selected tickets were like that already.")
    return redirect("queue")


def _assign(request: HttpRequest, ids: list[int]) -> acts.Undo | str:
    chosen = request.POST.get("to", "")
    if chosen == "nobody":
        return acts.assign(ids, None, request.user)
    to = get_user_model().objects.filter(pk=chosen, is_active=True).first() if chosen.isdecimal() else None
    return acts.assign(ids, to, request.user) if to else "Choose a colleague."


def _link(request: HttpRequest, ids: list[int]) -> acts.Undo | str:
    chosen, title = request.POST.get("problem_id", ""), request.POST.get("title", "").strip()[:200]
    problem = Problem.objects.filter(pk=chosen).first() if chosen.isdecimal() else None
    if problem is None and title:
        problem = Problem.objects.create(title=title, opened_at=timezone.now())
    return acts.link(ids, problem, request.user) if problem else "Choose a problem, or name a new one."


def _solve(request: HttpRequest, ids: list[int]) -> acts.Undo | str:
    return acts.solve(ids, request.user)


_DOERS: dict[str, Callable[[HttpRequest, list[int]], Any]] = {"assign": _assign, "link": _link, "solve": _solve}
