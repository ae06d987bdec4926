"""Twilio's webhooks for calls: answered from the plan alone, each step journaled, never a 4xx or 5xx once signed."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from twilio.twiml.voice_response import VoiceResponse

from tickets import journal
from tickets.models import Channel, CountsAs
from tickets.roles import View, public
from voice import plan, screening, script, sounds, standing
from voice.numbers import caller_of
from voice.signature import signed
from voice.standing import Wait

log = logging.getLogger(__name__)

Play = Callable[[script.Turn], script.Reply]
# What Twilio tells of a call that is worth keeping.
KEPT = (
    "CallStatus", "CallDuration", "DialCallStatus", "DialBridged", "RecordingSid", "RecordingUrl", "RecordingDuration",
    "Digits",
)  # fmt: skip
SIMULATED = "BreakwaterSimulated"


@dataclass(frozen=True, slots=True)
class Step:
    """Which step of a call a webhook is, as its address says."""

    name: str
    line: str
    language: str = ""
    attempt: int = 0
    kind: str = ""
    number: str = ""


def always_answers(view: View) -> View:
    """Whatever fails, the caller hears the line's message; if even that fails, a sentence that needs no line."""

    @wraps(view)
    def safe(request: HttpRequest, line: str, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, line, **kwargs)  # type: ignore[return-value]
        except Exception:  # a caller must not hear "an application error has occurred"
            log.exception("a call to %s was answered with the plain message", line)
            return _plain_message(line)

    return safe


@csrf_exempt
@signed
@always_answers
def answer(request: HttpRequest, line: str) -> HttpResponse:
    """A call comes in. Also the number's fallback, by GET."""
    return _play(request, Step("answer", line), script.answer)


@csrf_exempt
@signed
@always_answers
def step(request: HttpRequest, line: str, name: str, language: str, attempt: int, **rest: str) -> HttpResponse:
    """A further step: keys, a number, a recording, the end of ringing."""
    return _play(request, Step(name, line, language, attempt, **rest), STEPS[name])


@csrf_exempt
@signed
@always_answers
def status(request: HttpRequest, line: str) -> HttpResponse:
    """Twilio tells how a call is going. Each status of a call is journaled once."""
    params = _params(request)
    _journal(params, Step("status", line), params.get("CallStatus", ""), {})
    return xml(VoiceResponse())


@csrf_exempt
@signed
@require_POST
def self_test(request: HttpRequest) -> HttpResponse:
    """Says back what it was told, if it was signed: that the public address leads here and signatures hold."""
    return HttpResponse(request.POST.get("echo", "")[:64], content_type="text/plain; charset=utf-8")


@public
@require_safe
def audio(request: HttpRequest, digest: str) -> HttpResponse:
    """An announcement's audio under its content hash, so that it may be cached for ever."""
    try:
        content = sounds.read(digest)
    except (ValueError, FileNotFoundError) as error:
        raise Http404 from error
    kind = "audio/wav" if content[:4] == b"RIFF" else "audio/mpeg"
    response = HttpResponse(content, content_type=kind)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


STEPS: dict[str, Play] = {
    "menu": script.menu,
    "number": script.number,
    "confirm": script.confirm,
    "dialled": script.dialled,
    "recording": script.recorded,
}


def _play(request: HttpRequest, where: Step, play: Play) -> HttpResponse:
    line = plan.line_of(where.line)
    params = _params(request)
    if line is None:
        _journal(params, where, where.attempt, {})
        return xml(script.any_line())
    turn = _turn(line, where, params)
    reply = play(turn)
    kept = _journal(params, where, where.attempt, reply.facts)
    if not kept and "callback" in reply.facts:
        return xml(script.not_noted(turn))
    return xml(reply.response)


def _turn(line: plan.LineDocument, where: Step, params: Mapping[str, str]) -> script.Turn:
    language = where.language if where.language in line["languages"] else line["languages"][0]
    caller = caller_of(params.get("From", ""))
    stands, wait = _standing(where, caller, params)
    return script.Turn(
        line=line,
        language=language,
        attempt=where.attempt,
        caller=caller,
        keys=params.get("Digits", ""),
        now=timezone.now(),
        countries=tuple(settings.CALL_COUNTRIES),
        kind=where.kind,
        number=where.number,
        dialled=screening.outcome(params),
        stands=stands,
        wait=wait,
        manager=plan.may_dial_in(caller),
    )


def _standing(where: Step, caller: str, params: Mapping[str, str]) -> tuple[bool, Wait | None]:
    """Asked only where a callback may be noted: at the menu, and when an entered number is confirmed."""
    if where.name not in ("menu", "confirm"):
        return False, None
    return standing.told("+" + where.number if where.name == "confirm" else caller, simulated=SIMULATED in params)


def _journal(params: Mapping[str, str], where: Step, attempt: object, facts: Mapping[str, Any]) -> bool:
    """Keeps a step of a call; False when it could be kept nowhere."""
    sid = params.get("CallSid", "")
    if not sid:
        return False
    simulated = SIMULATED in params
    further = CountsAs.STEP if where.name != "answer" else ""
    place = "-".join(part for part in (where.kind, where.number, where.language, str(attempt)) if part)
    incoming = journal.Incoming(
        channel=Channel.CALL,
        key=journal.key_of(sid, where.name, place),
        sender=caller_of(params.get("From", "")),
        happened_at=timezone.now(),
        line=where.line,
        counts_as=CountsAs.SIMULATED if simulated else further,
        payload={
            "sid": sid,
            "step": where.name,
            "simulated": simulated,
            "caller": caller_of(params.get("From", "")),
            **{name: params[name] for name in KEPT if name in params},
            **facts,
        },
    )
    try:
        journal.accept(incoming)
    except journal.NotKept:
        return False
    return True


def _params(request: HttpRequest) -> dict[str, str]:
    return (request.POST if request.method == "POST" else request.GET).dict()


def _plain_message(line: str) -> HttpResponse:
    try:
        found = plan.line_of(line)
        return xml(script.plain(found, timezone.now()) if found else script.any_line())
    except Exception:  # the plan itself is at fault
        log.exception("the plan of %s cannot be read", line)
        return xml(script.any_line())


def xml(response: VoiceResponse) -> HttpResponse:
    """A TwiML document as an answer. Nothing shows it as a page: working out a policy for it would cost each call."""
    answer = HttpResponse(str(response), content_type="text/xml; charset=utf-8")
    answer._csp_exempt = True  # type: ignore[attr-defined]
    return answer
