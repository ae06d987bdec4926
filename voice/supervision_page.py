"""The managers' page of callbacks: how they get on, pausing them, what is held, cancelling an incident's, the caps."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tickets.models import Problem
from tickets.roles import Power, needs
from voice import callbacks as book
from voice import supervision, texts
from voice.models import Callback
from voice.numbers import may_text
from voice.segments import segments
from voice.standing import called_in_last, expected_wait
from voice.words import sentence

# Held callbacks shown and let go at a time.
PAGE = 100


@require_safe
@needs(Power.RUN_INCIDENTS)
def manage(request: HttpRequest) -> HttpResponse:
    """All that a manager decides about callbacks."""
    now = timezone.now()
    states = dict(
        Callback.objects.filter(state__in=Callback.OPEN_STATES, simulated=False)
        .values_list("state")
        .annotate(Count("pk"))
    )
    waiting = sum(states.get(state, 0) for state in book.WAITING)
    called = called_in_last(now)
    held = Callback.objects.filter(state__in=book.WAITING).exclude(held="").select_related("requester")
    context = {
        "paused": book.paused(),
        "waiting": waiting,
        "later": Callback.objects.filter(state__in=book.WAITING, due_at__gt=now).count(),
        "live": sum(states.get(state, 0) for state in (*book.DIALLING, book.State.CONNECTED)),
        "uncertain": states.get(book.State.UNCERTAIN, 0),
        "called": called,
        "wait": expected_wait(waiting + 1, called),
        "held": held.order_by("requested_at")[:PAGE],
        "held_count": held.count(),
        "incidents": supervision.by_incident(),
        "blocks": supervision.blocks(now),
        "text_minutes": texts.minutes_left(),
        "rules": {
            "countries": settings.CALL_COUNTRIES,
            "hours": settings.CALL_HOURS,
            "texts": settings.TEXTS_PER_PREFIX,
            "callbacks": settings.CALLBACKS_PER_PREFIX,
            "calls_per_second": settings.CALLS_PER_SECOND,
        },
    }
    return render(request, "voice/callbacks_manage.html", context)


@require_POST
@needs(Power.RUN_INCIDENTS)
def act(request: HttpRequest) -> HttpResponse:
    """Pauses, goes on, or lets go what is held: `do` says which."""
    what = request.POST.get("do", "")
    if what == "pause":
        minutes = request.POST.get("minutes", "")
        until = (
            timezone.now() + timedelta(minutes=int(minutes[:4])) if minutes.isdecimal() and int(minutes[:4]) else None
        )
        done = supervision.pause(request.user, request.POST.get("why", "").strip(), until)
        messages.success(request, "Callbacks are paused." if done else "They were paused already.")
    elif what == "resume":
        done = supervision.resume(request.user)
        messages.success(request, "Callbacks go on." if done else "Nothing was paused.")
    elif what == "release":
        chosen = [int(value[:18]) for value in request.POST.getlist("pick")[:PAGE] if value.isdecimal()]
        count = supervision.release(chosen, request.user)
        words = f"{count} released: agents are offered them now." if count else "Tick those first that you release."
        (messages.success if count else messages.warning)(request, words)
    else:
        return HttpResponse("No such action.\n", status=400, content_type="text/plain")
    return redirect("callbacks_manage")


@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """What cancelling an incident's callbacks does, and with the confirmation the deed."""
    problem = get_object_or_404(Problem, pk=pk)
    if request.method == "POST":
        why, text = request.POST.get("why", "").strip()[:300], request.POST.get("text") == "on"
        if not why:
            return render(request, "voice/callbacks_cancel.html", {**_effects(problem), "missing": True}, status=422)
        cancelled, queued = supervision.cancel_all(problem, request.user, why, text=text)
        said = f", {queued} told by text" if text else ""
        messages.success(request, f"{cancelled} callback{'' if cancelled == 1 else 's'} cancelled{said}.")
        return redirect("callbacks_manage")
    return render(request, "voice/callbacks_cancel.html", _effects(problem))


@require_POST
@needs(Power.RUN_INCIDENTS)
def reassign(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives one callback to a colleague, or to nobody."""
    found = get_object_or_404(Callback, pk=pk)
    agent = request.POST.get("agent", "")
    to = get_object_or_404(get_user_model(), pk=int(agent[:18]), is_active=True) if agent.isdecimal() else None
    if supervision.reassign(found, to, request.user):
        messages.success(
            request, f"It is {to.get_full_name() or to.get_username()}’s now." if to else "Anybody may take it."
        )
    else:
        messages.warning(request, "Not changed: somebody is calling right now, or it is closed.")
    return redirect("callback", pk)


def _effects(problem: Problem) -> dict[str, Any]:
    waiting = supervision.waiting_for(problem)
    numbers = list(waiting.filter(simulated=False).values_list("number", flat=True))
    reached = sum(may_text(number, settings.CALL_COUNTRIES) is None for number in numbers)
    words = sentence("instead_of_callback", "en", problem=problem.title, url=f"{settings.PUBLIC_URL}/status/")
    live = Callback.objects.filter(problem=problem, state__in=[*book.DIALLING, book.State.CONNECTED]).count()
    return {
        "problem": problem,
        "count": waiting.count(),
        "live": live,
        "texts": reached,
        "minutes": texts.minutes_for(reached * segments(words)),
        "words": words,
    }
