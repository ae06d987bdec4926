"""Webhooks of calls that we start: the agent confirms with a key, then the customer is dialled. No database."""

import logging
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from twilio.twiml.voice_response import VoiceResponse

from tickets import journal
from tickets.models import Arrival, Channel, CountsAs
from voice import dialling, plan, twiml
from voice.calls import always_answers, xml
from voice.signature import signed
from voice.words import digits

log = logging.getLogger(__name__)
# Steps that are journaled: what the others tell is in them too.
TOLD = ("connect", "ended", "status")


@csrf_exempt
@signed
@always_answers
def leg(request: HttpRequest, line: str, pk: int, attempt: int, number: str, step: str) -> HttpResponse:
    """One step of a callback's call."""
    params = request.POST.dict()
    response = VoiceResponse()
    following = {name: reverse("callback_leg", args=[pk, attempt, line, number, name]) for name in ("connect", "ended")}
    document = plan.line_of(line)
    language = document["languages"][0] if document else "en"
    if step == "agent":
        collector = twiml.gather(response, following["connect"])
        twiml.say(collector, "whisper", language, number=digits(number))
    elif step == "connect" and params.get("Digits") == "1":
        _journal(params, pk, attempt, step, line)
        dial = response.dial(
            action=following["ended"], method="POST", caller_id=document["number"] if document else None
        )
        dial.number("+" + number)
    elif step == "connect":
        response.hangup()
    else:
        if step in TOLD:
            _journal(params, pk, attempt, step, line)
        response.hangup()
    return xml(response)


@dataclass(frozen=True, slots=True)
class LegStep:
    """One step of a callback's call, applied in the transaction that understands it."""

    facts: dict[str, Any]

    def apply(self, arrival: Arrival) -> str:
        """Moves the callback on."""
        facts = self.facts
        dialling.apply_leg(facts["callback"], facts["attempt"], facts["step"], facts["status"])
        return CountsAs.STEP


def _journal(params: dict[str, str], pk: int, attempt: int, step: str, line: str) -> None:
    """Keeps what was told. Where nothing can be kept the call goes on: the sweep finds a callback that stays silent."""
    status = params.get("DialCallStatus" if step == "ended" else "CallStatus", "")
    incoming = journal.Incoming(
        channel=Channel.CALL,
        key=journal.key_of("callback", pk, attempt, step, status if step == "status" else ""),
        sender="",
        happened_at=timezone.now(),
        line=line,
        counts_as=CountsAs.STEP,
        payload={"leg": {"callback": pk, "attempt": attempt, "step": step, "status": status}},
    )
    try:
        journal.accept(incoming)
    except journal.NotKept:
        log.error("callback %s: the step %s of attempt %s could be kept nowhere", pk, step, attempt)
