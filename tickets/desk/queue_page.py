"""The queue's page, its live part, and taking the next ticket."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from tickets import changes
from tickets.desk import queue
from tickets.models import Problem, Ticket
from tickets.roles import Power, needs, public


@public
def home(request: HttpRequest) -> HttpResponse:
    """Sends people to the desk; whoever is not signed in is asked to first."""
    return redirect("queue")


@require_GET
@needs(Power.ANSWER_TICKETS)
def show(request: HttpRequest) -> HttpResponse:
    """One page of a view of the queue."""
    view = queue.view_of(request.GET)
    problem = get_object_or_404(Problem, pk=number) if (number := _number(request, "problem")) else None
    tickets = queue.tickets_in(view, request.user, problem.pk if problem else None)
    page = queue.page_of(tickets, view, request.GET.get("after", ""), request.GET.get("before", ""))
    context = {
        "view": view,
        "heading": problem.title if problem else queue.VIEWS[view],
        "problem": problem,
        "problems": Problem.objects.filter(open=True).order_by("-opened_at")[:10],
        "page": page,
        "total": queue.how_many(tickets),
        "newest": queue.newest(),
        "shown": ",".join(str(row.pk) for row in page.rows),
    }
    return render(request, "desk/queue.html", context)


@require_GET
@needs(Power.ANSWER_TICKETS)
def news(request: HttpRequest) -> HttpResponse:
    """What changed since the page was made: rows that joined, and what became of those it shows."""
    return changes.poll(request, ["tickets"], lambda: _news(request))


def _news(request: HttpRequest) -> HttpResponse:
    view = queue.view_of(request.GET)
    shown = [int(part) for part in request.GET.get("shown", "").split(",") if part.isdecimal()][: 2 * queue.PAGE]
    tickets = queue.tickets_in(view, request.user, _number(request, "problem"))
    since = _number(request, "newest") or 0
    room = queue.PAGE - len(shown) if request.GET.get("last") else 0
    joined = queue.joined(tickets, shown, room) if view != "solved" else []
    seen = shown + [row.pk for row in joined]
    beyond = tickets.filter(pk__gt=since).exclude(pk__in=seen)
    context = {
        "view": view,
        "problem": _number(request, "problem"),
        "beyond": queue.how_many(beyond) if view != "solved" else "0",
        "joined": joined,
        "shown": ",".join(str(pk) for pk in seen),
        "rows": Ticket.objects.filter(pk__in=shown).select_related("assignee"),
        "counts": queue.counts(request.user),
        "total": queue.how_many(tickets),
    }
    return render(request, "desk/_queue_news.html", context)


@require_POST
@needs(Power.ANSWER_TICKETS)
def take(request: HttpRequest) -> HttpResponse:
    """Assigns the longest waiting unassigned ticket to whoever asks, and opens it."""
    ticket = queue.take_next(request.user)
    if ticket is None:
        messages.info(request, "Nobody is waiting: there is no unassigned request.")
        return redirect("queue")
    return redirect("ticket", ticket.pk)


def _number(request: HttpRequest, name: str) -> int | None:
    value = request.GET.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 19 else None
