"""The call simulator's page: a manager dials a line, sets what goes wrong on the way, and hears and sees all of it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from urllib3 import PoolManager

from tickets.roles import Power, needs
from voice import calls, dialling, signature
from voice.models import Callback, Line
from voice.numbers import normalised
from voice.simulator import record
from voice.simulator.conditions import FAULTS, TIMES, Conditions
from voice.simulator.documents import Heard
from voice.simulator.elsewhere import fallback_of, with_fallback
from voice.simulator.http import over_http
from voice.simulator.player import Player
from voice.simulator.state import Call, Number, call_of, new_sid, parameters
from voice.simulator.statuses import ORDERS
from voice.simulator.webhooks import Webhooks

SESSION = "played_call"
# What one simulated call may hold, so that a session stays small.
LONGEST, REQUESTS = 60, 40
# The keypad, with the letters that stand on it.
KEYS = list(
    zip("123456789*0#", ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""], strict=True)
)
# All that is shown and sent belongs to one form, wherever on the page it stands.
_OF_THE_CALL = {"form": "call"}


class DialForm(forms.Form):
    """Which line is dialled, and by whom."""

    # Not a select, which cuts names as long as lines have.
    line = forms.ModelChoiceField(
        Line.objects.filter(active=True),
        empty_label=None,
        label="Line",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the line to call."},
    )
    caller = forms.CharField(label="Your number", max_length=30, required=False, initial="+12015550123")
    withheld = forms.BooleanField(label="Withhold it", required=False)

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        if not self.is_bound and (first := self.fields["line"].queryset.first()):  # type: ignore[attr-defined]
            self.initial.setdefault("line", first.pk)

    def clean_caller(self) -> str:
        number = normalised(self.cleaned_data["caller"])
        if number is None and not self.data.get("withheld"):
            raise forms.ValidationError("This is no phone number. Write it with its country code: +1 201 555 0123.")
        return number or ""


class ConditionsForm(forms.Form):
    """What goes wrong on the way from now on."""

    fault = forms.ChoiceField(
        label="Our server", choices=list(FAULTS.items()), required=False, widget=forms.Select(_OF_THE_CALL)
    )
    times = forms.TypedChoiceField(
        label="for", choices=list(TIMES.items()), coerce=int, required=False,
        widget=forms.Select(_OF_THE_CALL),
    )  # fmt: skip
    statuses = forms.ChoiceField(
        label="Statuses that are told", choices=list(ORDERS.items()), required=False, widget=forms.Select(_OF_THE_CALL)
    )
    twice = forms.BooleanField(
        label="Every request is delivered twice", required=False, widget=forms.CheckboxInput(_OF_THE_CALL)
    )

    def chosen(self) -> Conditions:
        """Anything that is none of the choices is as if nothing had been chosen."""
        self.is_valid()
        data = self.cleaned_data
        return Conditions(
            data.get("fault", ""), data.get("times") or 1, data.get("twice", False), data.get("statuses") or "end"
        )


@require_GET
@needs(Power.RUN_INCIDENTS, in_demo=Power.WORK_DESK)
def page(request: HttpRequest) -> HttpResponse:
    """The phone, and the call that is going on in this session. It speaks to the real webhooks."""
    return _show(request, _form(request))


@require_POST
@needs(Power.RUN_INCIDENTS, in_demo=Power.WORK_DESK)
def act(request: HttpRequest) -> HttpResponse:
    """Dials, presses a key, leaves a message, lets it ring, hangs up: `do` says which."""
    # A key is a button of its own.
    what = request.POST.get("do") or ("keys" if "keys" in request.POST else "")
    kept, call = _kept(request)
    conditions = ConditionsForm(request.POST).chosen()
    if not signature.auth_tokens():
        return _show(request, _form(request), status=422)
    if what == "dial":
        form = DialForm(request.POST)
        if not form.is_valid():
            return _show(request, form, status=422)
        call, line = _dialled(form.cleaned_data, conditions), form.cleaned_data["line"]
        kept = {"name": line.name, "number": line.number, "dialled": {**form.cleaned_data, "line": line.pk}}
        _player(call, conditions).dial()
        _keep(request, kept, call, conditions)
    elif call is not None and not call.over:
        call.statuses = conditions.statuses
        _do(_player(call, conditions), what, request.POST.get("keys", ""))
        _keep(request, kept, call, conditions)
    if request.headers.get("HX-Request"):
        return _show(request, _form(request))
    return redirect("simulator")


@require_POST
@needs(Power.RUN_INCIDENTS, in_demo=Power.WORK_DESK)
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Calls a simulated customer back: this phone is the agent's, then the customer's."""
    found = get_object_or_404(Callback.objects.select_related("line"), pk=pk, simulated=True)
    sid = new_sid("CA")
    try:
        claimed = dialling.rehearse(found, request.user, sid)
    except dialling.Refused as error:
        messages.warning(request, f"Not done. {error}")
        return redirect("callback", pk)
    line, conditions = claimed.line.number if claimed.line else "", Conditions(statuses="all")
    said = parameters(caller=line, number="client:agent", account=settings.TWILIO_ACCOUNT_SID, sid=sid, outbound=True)
    number = Number(dialling.address(claimed, "agent"), dialling.address(claimed, "status"))
    call = Call(number, {**said, calls.SIMULATED: "1"}, statuses=conditions.statuses)
    call.heard.append(Heard("note", "The agent’s phone rings."))
    _player(call, conditions).ring()
    _keep(request, {"name": "Callback", "callback": pk, "number": claimed.number}, call, conditions)
    return redirect("simulator")


def _dialled(wanted: Mapping[str, Any], conditions: Conditions) -> Call:
    """A call to one of our lines, whose number is set up as it should be."""
    line: Line = wanted["line"]
    number = Number(
        voice_url=settings.PUBLIC_URL + reverse("voice_answer", args=[line.key]),
        status_callback=settings.PUBLIC_URL + reverse("voice_status", args=[line.key]),
        fallback_url=fallback_of(line.key),
    )
    caller = "" if wanted["withheld"] else wanted["caller"]
    said = parameters(caller=caller, number=line.number, account=settings.TWILIO_ACCOUNT_SID)
    return Call(number, {**said, calls.SIMULATED: "1"}, statuses=conditions.statuses)


def _player(call: Call, conditions: Conditions) -> Player:
    public = settings.PUBLIC_URL
    way = over_http(PoolManager(), public, settings.SIMULATOR_BASE or public)
    bad = conditions.through(with_fallback(way), public)
    return Player(call, Webhooks(bad, signature.sign_url, twice=conditions.twice))


def _do(player: Player, what: str, keys: str) -> None:
    """What somebody does next; what does not fit the moment does nothing."""
    keys = "".join(key for key in keys if key in "0123456789*#")[:32]
    shown = "•" * len(keys) if record.secret(player.call.wait.action) else keys
    waits, who = player.call.wait.what, "The agent" if player.call.rings else "Somebody"
    acts: dict[str, tuple[str, str, Callable[[], object]]] = {
        "keys": ("keys", f"You press {' '.join(shown)}." if keys else "You press nothing.", lambda: player.press(keys)),
        "speak": ("recording", "You leave a message.", player.speak),
        "speak_and_go": ("recording", "You leave a message and hang up.", lambda: player.speak(hanging_up=True)),
        "silent": ("recording", "You say nothing.", player.time_out),
        "answered": ("ringing", f"{who} answers.", player.pick_up if player.call.rings else player.answer),
        "mailbox": ("ringing", "A mailbox answers.", lambda: player.answer(keys="")),
        "nobody": ("ringing", "Nobody answers.", player.time_out),
        "busy": ("ringing", "The line is busy.", lambda: _busy(player)),
        "hang_up": (waits, "You hang up.", player.hang_up),
    }
    moment, words, go_on = acts.get(what, ("", "", player.hang_up))
    if moment == waits:
        player.call.heard.append(Heard("you", words))
        go_on()


def _busy(player: Player) -> Player:
    return player.not_answered("busy") if player.call.rings else player.answer("busy")


def _kept(request: HttpRequest) -> tuple[dict[str, Any], Call | None]:
    """What the session holds of the last call; one that an older version wrote down is forgotten."""
    kept = request.session.get(SESSION) or {}
    try:
        return kept, call_of(kept["call"])
    except (KeyError, TypeError):
        return {}, None


def _keep(request: HttpRequest, kept: Mapping[str, Any], call: Call, conditions: Conditions) -> None:
    call.heard, call.log = call.heard[-LONGEST:], call.log[-REQUESTS:]
    data = {**call.to_json(), "log": [record.shortened(one) for one in call.log]}
    request.session[SESSION] = {**kept, "call": data, "conditions": asdict(conditions)}


def _form(request: HttpRequest) -> DialForm:
    """The form as it was sent last, so that dialling again is one press."""
    return DialForm(initial=_kept(request)[0].get("dialled"))


def _show(request: HttpRequest, form: DialForm, status: int = 200) -> HttpResponse:
    kept, call = _kept(request)
    name = "voice/_simulator.html" if request.headers.get("HX-Request") else "voice/simulator.html"
    context = {
        "form": form,
        "conditions": ConditionsForm(request.POST if status == 422 else None, initial=kept.get("conditions", {})),
        "call": call,
        "going": call is not None and not call.over,
        "kept": kept,
        "heard": [record.heard(one) for one in call.heard] if call else [],
        "log": [record.shown(one) for one in call.log] if call else [],
        "keys": KEYS,
        "ready": bool(signature.auth_tokens()),
        "stored": not settings.FALLBACK_URL,
    }
    return render(request, name, context, status=status)
