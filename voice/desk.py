"""The callbacks' pages: who waits to be called back, calling them, noting how it went."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from tickets import changes
from tickets.desk.people import colleagues
from tickets.models import WorkState
from tickets.numbers import readable
from tickets.roles import Power, colleague, needs, powers_of
from voice import callbacks as book
from voice import dialling, texts
from voice.models import AgentPhone, Callback, TextMessage
from voice.numbers import daytime, local_times, normalised
from voice.outcomes import OUTCOMES
from voice.standing import wait_now

# Rows of one page.
PAGE = 50


class PhoneForm(forms.Form):
    """The number on which an agent is rung."""

    number = forms.CharField(
        label="Ring me on",
        max_length=30,
        help_text="With country code, such as +44 20 …",
        error_messages={"required": "Enter the number on which you are rung."},
    )

    def clean_number(self) -> str:
        number = normalised(self.cleaned_data["number"])
        if number is None:
            raise forms.ValidationError("This is no phone number. Write it with its country code: +44 20 7946 0000.")
        return number


@require_GET
@needs(Power.WORK_DESK)
def callbacks(request: HttpRequest) -> HttpResponse:
    """Callbacks that are due, the longest waiting first; asked for by htmx, the list alone and only when it changed."""
    if request.headers.get("HX-Request"):
        return changes.poll(request, ["callbacks"], lambda: render(request, "voice/_callbacks.html", _list(request)))
    if (ticket := request.GET.get("ticket", "")).isdecimal() and len(ticket) < 19:
        # A ticket's page leads here: to the callback that it was made for, wherever the ticket was merged to.
        its = Callback.objects.filter(Q(ticket=ticket) | Q(ticket__merged_into=ticket)).order_by("-pk").first()
        return redirect("callback", its.pk) if its else redirect("callbacks")
    phone = AgentPhone.objects.filter(user=colleague(request)).first()
    form = PhoneForm(initial={"number": phone.number if phone else ""})
    return render(request, "voice/callbacks.html", {**_list(request), "phone": phone, "form": form})


@require_POST
@needs(Power.WORK_DESK)
def next_callback(request: HttpRequest) -> HttpResponse:
    """Takes the next callback and opens it."""
    found = book.next_for(request.user)
    if found is None:
        messages.info(request, _why_nobody())
        return redirect("callbacks")
    return redirect("callback", found.pk)


def _why_nobody() -> str:
    if book.paused() is not None:
        return "Callbacks are paused: nobody is called until a manager lets them go on."
    if Callback.objects.filter(state__in=Callback.OPEN_STATES).exists():
        return "Nobody can be called now: it is night where they are, they are tried later, or a colleague has them."
    return "Nobody waits to be called back."


@require_GET
@needs(Power.WORK_DESK)
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    """One callback: who, what about, how often tried; its live part alone for htmx."""
    if request.headers.get("HX-Request"):
        # The parts that live: its state, and with it what can be done.
        return changes.poll(request, ["callbacks"], lambda: render(request, "voice/_callback.html", _one(pk)))
    context = _one(pk)
    may_run = Power.RUN_INCIDENTS in powers_of(request.user)
    if may_run:
        context["colleagues"] = colleagues()
    context["rehearses"] = context["waiting"] and context["callback"].simulated and (may_run or settings.DEMO)
    return render(request, "voice/callback.html", context)


@require_POST
@needs(Power.WORK_DESK)
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Call now, stop, note an outcome, cancel, give back, text the news' address: `do` says which."""
    found = get_object_or_404(Callback.objects.select_related("line", "ticket", "problem"), pk=pk)
    what, note = request.POST.get("do", ""), request.POST.get("note", "").strip()[:2000]
    if what in ("call", "call_at_night", "stop", "text"):
        _phone(request, found, what)
        return redirect("callback", pk)
    if what in OUTCOMES:
        done = book.note_outcome(found, request.user, what, note)
        words = f"Noted: {OUTCOMES[what].lower()}."
    elif what == "cancel" and not note:
        messages.warning(request, "Not cancelled: write into the note why.")
        return redirect("callback", pk)
    elif what == "cancel":
        done, words = book.cancel(found, request.user, note), "The callback is cancelled."
    elif what == "give_back":
        done, words = book.give_back(found, request.user), "Others may take it now."
    else:
        return HttpResponse("No such action.\n", status=400, content_type="text/plain")
    if done:
        messages.success(request, words)
        return redirect("callbacks")
    messages.warning(request, "Nothing was changed: it is noted already, closed, or somebody is calling right now.")
    return redirect("callback", pk)


@require_POST
@needs(Power.WORK_DESK)
def my_phone(request: HttpRequest) -> HttpResponse:
    """Notes on which number this agent is rung."""
    form = PhoneForm(request.POST)
    if not form.is_valid():
        return render(request, "voice/callbacks.html", {**_list(request), "form": form}, status=422)
    AgentPhone.objects.update_or_create(user=colleague(request), defaults={"number": form.cleaned_data["number"]})
    messages.success(request, f"You will be rung on {readable(form.cleaned_data['number'])}.")
    return redirect("callbacks")


def _phone(request: HttpRequest, found: Callback, what: str) -> None:
    """Has something done on the telephone, and says what came of it."""
    try:
        words = _text(found, request.user) if what == "text" else _dial(found, request.user, what)
    except dialling.Refused as error:
        messages.warning(request, f"Not done. {error}")
    else:
        messages.success(request, words)


def _dial(found: Callback, agent: Any, what: str) -> str:
    if what == "stop":
        dialling.stop(found, agent)
        return "The call is stopped. The customer was not dialled."
    called = dialling.call_now(found, agent, even_at_night=what == "call_at_night")
    connected = called.state == Callback.State.CONNECTED
    return "Simulated: you are connected." if connected else "Your phone rings. Press 1 there."


def _text(found: Callback, by: Any) -> str:
    if found.line is None or found.problem is None:
        raise dialling.Refused("There is no incident to tell of, or the line is gone.")
    row = texts.queue_status_link(
        found.number, found.problem, line=found.line, ticket=found.ticket, by=by, simulated=found.simulated
    )
    if row is None:
        raise dialling.Refused("This number has the link already, wants no texts, or is none that we text.")
    return "The status page's address is texted."


def _list(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    view = request.GET.get("view", "due")
    after = request.GET.get("after", "")
    user = request.user
    rows = _rows(view, user)
    if after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__gt=int(after)) if view != "done" else rows.filter(pk__lt=int(after))
    found = list(rows.select_related("requester", "line", "agent", "problem")[: PAGE + 1])
    return {
        "view": view,
        "rows": [_row(entry, now) for entry in found[:PAGE]],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "now": now,
        "paused": book.paused(),
        "wait": wait_now(),
        "may_run": Power.RUN_INCIDENTS in powers_of(user),
        "stuck_texts": TextMessage.objects.filter(state__in=[WorkState.FAILED, WorkState.UNCERTAIN]).exists(),
    }


def _rows(view: str, user: Any) -> QuerySet[Callback]:
    if view == "done":
        return Callback.objects.exclude(state__in=Callback.OPEN_STATES).order_by("-pk")
    open_ = Callback.objects.filter(state__in=Callback.OPEN_STATES)
    # In the order they were asked for: a row's id grows with it, so that pages follow on each other by id.
    return (open_.filter(agent=user) if view == "mine" else open_).order_by("pk")


def _row(entry: Callback, now: datetime) -> dict[str, Any]:
    times = local_times(entry.number, now)
    return {
        "callback": entry,
        "their_time": clock_words(times),
        "unsure": len({at.utcoffset() for at in times}) > 1,
        "day": daytime(entry.number, now, settings.CALL_HOURS),
    }


def clock_words(times: list[datetime]) -> str:
    """Their time as an agent reads it: one, or a span where the zone is unsure. Words: templates would convert it."""
    clocks = list(dict.fromkeys(f"{at:%H:%M}" for at in times))
    return " to ".join(clocks if len(clocks) < 2 else [clocks[0], clocks[-1]])


def _one(pk: int) -> dict[str, Any]:
    query = Callback.objects.select_related("requester", "ticket", "agent", "line", "problem")
    found = get_object_or_404(query, pk=pk)
    return {
        **_row(found, timezone.now()),
        "now": timezone.now(),
        "open": found.state in Callback.OPEN_STATES,
        "waiting": found.state in book.WAITING,
        "outcomes": OUTCOMES.items(),
        "opens": settings.CALL_HOURS[0],
        "entries": found.ticket.entries.select_related("author").order_by("-happened_at", "-pk")[:8],
    }
