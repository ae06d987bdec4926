"""Twilio's webhooks of managers who dial in: what is decided without the database, what needs it handed over."""

from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from twilio.twiml.voice_response import VoiceResponse

from voice import dial_in, orders, pins, plan, script
from voice.audio import BadAudio
from voice.calls import SIMULATED, always_answers, xml
from voice.dial_in import Next, Pass, Visit
from voice.hand_over import Unanswered, within
from voice.models import PinAttempt
from voice.numbers import caller_of
from voice.signature import signed
from voice.simulator.murmur import murmur

# Seconds that a caller waits for the database or a recording; twice that, should others wait as well. Twilio takes 15.
PATIENCE = 4.0


@csrf_exempt
@signed
@always_answers
def pin(request: HttpRequest, line: str, language: str, attempt: int) -> HttpResponse:
    """A PIN was entered. Nothing of it is kept, and a call from any other number hears what everybody hears."""
    params, document = request.POST.dict(), plan.line_of(line)
    number, entered = caller_of(params.get("From", "")), params.get("Digits", "")
    if document is None or not plan.may_dial_in(number):
        return xml(script.plain(document, timezone.now()) if document else script.any_line())
    if not entered:
        return xml(dial_in.ask_pin(line, language, attempt + 1))
    sid = params.get("CallSid", "")
    try:
        found = within(PATIENCE, lambda wanted: pins.check(number, entered, sid=sid, place=attempt, wanted=wanted))
    except Unanswered:
        return xml(dial_in.said("dial_in_away", language))
    if found is None:
        return xml(script.plain(document, timezone.now()))
    if found.outcome == PinAttempt.Outcome.RIGHT:
        held = Pass(user=found.user.pk, sid=sid, at=int(found.at.timestamp()))
        return xml(dial_in.welcome(_visit(document, language, held, attempt=0, keys="")))
    if found.outcome == PinAttempt.Outcome.WRONG:
        return xml(dial_in.ask_pin(line, language, attempt + 1))
    return xml(dial_in.said("dial_in_locked", language))


@csrf_exempt
@signed
@always_answers
def step(request: HttpRequest, line: str, name: str, held: str, language: str, attempt: int) -> HttpResponse:
    """A further step of somebody who got in."""
    params, document = request.POST.dict(), plan.line_of(line)
    if document is None:
        return xml(script.any_line())
    try:
        passed = dial_in.read_pass(held, params.get("CallSid", ""), timezone.now())
    except dial_in.NoPass:
        return xml(script.plain(document, timezone.now()))
    if params.get("Digits") == "hangup":
        return xml(VoiceResponse())
    visit = _visit(document, language, passed, attempt=attempt, keys=params.get("Digits", ""))
    if name == "recorded":
        length = params.get("RecordingDuration", "")
        seconds = int(length) if length.isdecimal() else 0
        following = dial_in.recorded(visit, params.get("RecordingUrl", ""), seconds)
    else:
        # An address that is none of ours is answered as whatever fails (`always_answers`).
        following = STEPS[name](visit)
    return xml(_answer(visit, following, caller_of(params.get("From", "")), simulated=SIMULATED in params))


STEPS = {
    "choose": dial_in.choose,
    "language": dial_in.choose_language,
    "fetch": dial_in.fetch,
    "decide": dial_in.decide,
    "instead": dial_in.instead,
    "where": dial_in.where,
}


def _visit(line: plan.LineDocument, language: str, held: Pass, *, attempt: int, keys: str) -> Visit:
    return Visit(line, plan.lines_now(), language, held, attempt, keys, timezone.now())


def _answer(visit: Visit, following: Next, number: str, *, simulated: bool) -> VoiceResponse:
    if following.fetch is not None:
        return _fetched(following.fetch, following.response, simulated=simulated)
    if following.order is None:
        return following.response
    if simulated and not settings.DEMO:
        # Real callers are not to hear what was tried.
        return dial_in.said("dial_in_rehearsed", visit.language)
    return _switched(visit, following.order, number)


def _switched(visit: Visit, order: dial_in.Order, number: str) -> VoiceResponse:
    """Nothing is told that was not seen to be done."""
    work = partial(orders.carry_out, order, user=visit.held.user, number=number)
    try:
        count = within(PATIENCE, lambda wanted: work(wanted=wanted))
    except Unanswered as error:
        return dial_in.said("dial_in_away" if error.certain else "dial_in_unsure", visit.language)
    except orders.Refused:
        return dial_in.said("dial_in_barred", visit.language)
    except orders.NotThere:
        return dial_in.lost(visit)
    return dial_in.done(visit, order.deed, count)


def _fetched(visit: Visit, meanwhile: VoiceResponse, *, simulated: bool) -> VoiceResponse:
    """What was spoken, played back; a simulated call records nothing, and a murmur stands for it."""
    held = visit.held
    try:
        if simulated:
            sound = orders.keep(murmur(held.seconds))
        else:
            sound = within(PATIENCE, lambda _: orders.fetch(held.recording))
    except (orders.NotThere, Unanswered):
        return meanwhile
    except BadAudio:
        return dial_in.unheard(visit)
    return dial_in.listen(visit, sound)
