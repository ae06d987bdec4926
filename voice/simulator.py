"""The call simulator: dials a line and plays Twilio to the real webhooks, with signatures made here and never shown."""

import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from tickets.roles import Power, needs
from voice import calls, signature
from voice.models import Line
from voice.numbers import normalised
from voice.simulated_call import NotTwiml, perform

SESSION = "simulated_call"
# Seconds that Twilio would wait, and redirects it would follow.
PATIENCE, REDIRECTS = 15, 5
# What one simulated call may hold, so that a session stays small.
LONGEST = 60
# The keypad, with the letters that stand on it.
KEYS = list(
    zip("123456789*0#", ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""], strict=True)
)


class DialForm(forms.Form):
    """Which line is dialled, and by whom."""

    line = forms.ModelChoiceField(Line.objects.filter(active=True), empty_label=None, label="Line")
    caller = forms.CharField(label="Your number", max_length=30, required=False, initial="+12015550123")
    withheld = forms.BooleanField(label="Withhold it", required=False)

    def clean_caller(self) -> str:
        number = normalised(self.cleaned_data["caller"])
        if number is None and not self.data.get("withheld"):
            raise forms.ValidationError("This is no phone number. Write it with its country code: +1 201 555 0123.")
        return number or ""


@require_GET
@needs(Power.RUN_INCIDENTS, in_demo=Power.WORK_DESK)
def page(request: HttpRequest) -> HttpResponse:
    """The phone, and the call that is going on in this session. It speaks to the real webhooks."""
    return _show(request, _form(request))


@require_POST
@needs(Power.RUN_INCIDENTS, in_demo=Power.WORK_DESK)
def act(request: HttpRequest) -> HttpResponse:
    """Dials, presses a key, leaves a message, lets it ring, hangs up: `do` says which."""
    what = request.POST.get("do", "")
    if what == "dial":
        form = DialForm(request.POST)
        if not form.is_valid():
            return _show(request, form, status=422)
        _dial(request, form.cleaned_data)
    else:
        call = request.session.get(SESSION)
        if call and call["awaits"] != "end":
            _go_on(call, what, request.POST.get("keys", ""))
            request.session[SESSION] = call
    if request.headers.get("HX-Request"):
        return _show(request, _form(request))
    return redirect("simulator")


def _form(request: HttpRequest) -> DialForm:
    """The form as it was sent last, so that dialling again is one press."""
    call = request.session.get(SESSION)
    return DialForm(initial=call["dialled"] if call else None)


def _show(request: HttpRequest, form: DialForm, status: int = 200) -> HttpResponse:
    call = request.session.get(SESSION)
    name = "voice/_simulator.html" if request.headers.get("HX-Request") else "voice/simulator.html"
    context = {"form": form, "call": call, "keys": KEYS, "ready": bool(signature.auth_tokens())}
    return render(request, name, context, status=status)


def _dial(request: HttpRequest, wanted: dict[str, Any]) -> None:
    line: Line = wanted["line"]
    call = {
        "line": line.name,
        "number": line.number,
        "dialled": {**wanted, "line": line.pk},
        "said": {
            "CallSid": f"CA{secrets.token_hex(16)}",
            "AccountSid": settings.TWILIO_ACCOUNT_SID or "AC" + "0" * 32,
            "From": "anonymous" if wanted["withheld"] else wanted["caller"],
            "To": line.number,
            "Direction": "inbound",
            calls.SIMULATED: "1",
        },
        "status": reverse("voice_status", args=[line.key]),
        "heard": [],
        "awaits": "",
    }
    _fetch(call, reverse("voice_answer", args=[line.key]), {"CallStatus": "ringing"})
    request.session[SESSION] = call


def _go_on(call: dict[str, Any], what: str, keys: str) -> None:
    """What the caller does next, as Twilio would tell it."""
    keys = "".join(key for key in keys if key in "0123456789*#")[:32]
    if what == "keys" and call["awaits"] == "keys":
        call["heard"].append({"kind": "you", "text": f"You press {' '.join(keys)}." if keys else "You press nothing."})
        _fetch(call, call["action"], {"Digits": keys.removesuffix("#") if call["many_keys"] else keys})
    elif what == "speak" and call["awaits"] == "recording":
        call["heard"].append({"kind": "you", "text": "You leave a message."})
        recording = {"RecordingSid": f"RE{secrets.token_hex(16)}", "RecordingUrl": "", "RecordingDuration": "12"}
        _fetch(call, call["action"], recording)
    elif what in ("nobody", "answered") and call["awaits"] == "ringing":
        call["heard"].append({"kind": "you", "text": "Nobody answers." if what == "nobody" else "An agent answers."})
        _fetch(call, call["action"], {"DialCallStatus": "no-answer" if what == "nobody" else "completed"})
    elif what == "hang_up":
        call["heard"].append({"kind": "you", "text": "You hang up."})
        _end(call)


def _fetch(call: dict[str, Any], path: str, more: dict[str, str]) -> None:
    """One webhook, its answer played; redirects followed; a call that ends says so to the status webhook."""
    for _ in range(REDIRECTS):
        try:
            scene = perform(_post(path, {**call["said"], "CallStatus": "in-progress", **more}))
        except (requests.RequestException, NotTwiml, LookupError) as error:
            call["heard"].append({"kind": "fault", "text": f"The webhook did not answer as it should: {error}"[:300]})
            call["awaits"] = "end"
            return
        call["heard"] = [*call["heard"], *(asdict(heard) for heard in scene.heard)][-LONGEST:]
        call |= {"awaits": scene.awaits, "action": urljoin(path, scene.action), "many_keys": scene.many_keys}
        if scene.awaits != "redirect":
            break
        path, more = call["action"], {}
    if call["awaits"] == "end":
        _end(call)


def _end(call: dict[str, Any]) -> None:
    call["awaits"] = "end"
    try:
        _post(call["status"], {**call["said"], "CallStatus": "completed"})
    except requests.RequestException:
        call["heard"].append({"kind": "fault", "text": "The status webhook did not answer."})


def _post(path: str, params: dict[str, str]) -> str:
    """Posts as Twilio does: to our own door, signed for the public address."""
    path = urlsplit(path).path
    answer = requests.post(
        (settings.SIMULATOR_BASE or settings.PUBLIC_URL) + path,
        data=params,
        headers={"X-Twilio-Signature": signature.sign(path, params)},
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    return answer.text
