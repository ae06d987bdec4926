"""What journaled steps of calls mean: the call's record, callbacks asked for, messages left."""

from dataclasses import dataclass
from typing import Any

from tickets import changes, intake
from tickets.message import InboundMessage
from tickets.models import Arrival, CountsAs, Entry, Identity, Medium, Problem
from voice import callbacks, downloads, legs, texts
from voice.listeners import STEPS
from voice.models import Call, Line

# Later ones are never overruled by earlier ones, however Twilio orders its requests.
ORDER = ("", "queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
ENDED = frozenset(ORDER[5:])
# What a caller chose, each later one further on: steps may be understood in any order.
CHOICES = (
    "", "other_number", "voicemail_asked", "stay", "nobody_free", "refused", "text", "voicemail", "agent",
    "callback", "dial_in",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallStep:
    """One step of a call, applied in the transaction that understands it."""

    facts: dict[str, Any]

    def apply(self, arrival: Arrival) -> str:
        """Brings the call's record up to date and does what the caller asked for."""
        line = Line.objects.filter(key=arrival.line).first()
        call = _record(self.facts, arrival, line)
        if self.facts.get("callback"):
            _call_back(self.facts["callback"], call, arrival)
        if self.facts.get("text") and call.problem is not None and call.line is not None:
            texts.queue_status_link(
                self.facts["text"],
                call.problem,
                line=call.line,
                language=call.language,
                simulated=call.simulated,
            )
        if self.facts.get("step") == "recording" and self.facts.get("RecordingSid"):
            _voicemail(self.facts, call, arrival)
        changes.bump("calls")
        return CountsAs.SIMULATED if call.simulated else CountsAs.CONTACT


def read_arrival(arrival: Arrival) -> intake.Understanding:
    """The reader of the channel "call": a customer's call, or a call of ours to call somebody back."""
    if "leg" in arrival.payload:
        return legs.LegStep(arrival.payload["leg"])
    return CallStep(arrival.payload)


def _record(facts: dict[str, Any], arrival: Arrival, line: Line | None) -> Call:
    call, _ = Call.objects.get_or_create(
        sid=facts.get("sid") or arrival.key[:34],
        defaults={
            "line": line,
            "caller": facts.get("caller", ""),
            "started_at": arrival.happened_at,
            "simulated": bool(facts.get("simulated")),
        },
    )
    call.started_at = min(call.started_at, arrival.happened_at)
    # What the first words said counts; a later step tells it only where they are not understood yet.
    first = facts.get("step") == "answer"
    if facts.get("face") and (first or not call.face):
        call.face = facts["face"]
    told = facts.get("problem") and (first or call.problem_id is None)
    if told and Problem.objects.filter(pk=facts["problem"]).exists():
        call.problem_id = facts["problem"]
    call.choice = max(call.choice, facts.get("choice", ""), key=CHOICES.index)
    if facts.get("step") in STEPS:
        call.step = max(call.step, facts["step"], key=STEPS.index)
    call.language = facts.get("language") or call.language
    _apply_status(call, facts.get("CallStatus", ""), arrival)
    call.save()
    return call


def _apply_status(call: Call, status: str, arrival: Arrival) -> None:
    if status not in ORDER or ORDER.index(status) <= ORDER.index(call.status if call.status in ORDER else ""):
        return
    if call.status in ENDED:
        return
    call.status = status
    if status in ENDED:
        call.ended_at = arrival.happened_at


def _call_back(number: str, call: Call, arrival: Arrival) -> None:
    callback, _ = callbacks.request(
        number,
        line=call.line,
        problem=call.problem,
        arrival=arrival,
        happened_at=arrival.happened_at,
        simulated=call.simulated,
    )
    Call.objects.filter(pk=call.pk).update(ticket=callback.ticket)


def _voicemail(facts: dict[str, Any], call: Call, arrival: Arrival) -> None:
    # Told by its webhook and found again by asking Twilio, it is one message.
    left = Entry.objects.filter(ticket=call.ticket_id, kind=Entry.Kind.VOICEMAIL) if call.ticket_id else []
    if any(
        entry.payload.get("recording") == facts["RecordingSid"] and entry.arrival_id != arrival.pk for entry in left
    ):
        return
    length = str(facts.get("RecordingDuration", ""))
    seconds = int(length) if length.isdecimal() else 0
    received = intake.receive(
        InboundMessage(
            medium=Medium.PHONE,
            happened_at=arrival.happened_at,
            sender_kind=Identity.Kind.PHONE,
            sender=call.caller,
            subject=f"Voicemail, {seconds // 60}:{seconds % 60:02d}",
            text="Left a message on the phone.",
            entry_kind=Entry.Kind.VOICEMAIL,
            simulated=call.simulated,
            payload={"recording": facts["RecordingSid"], "url": facts.get("RecordingUrl", ""), "seconds": seconds},
        ),
        arrival,
    )
    Call.objects.filter(pk=call.pk).update(ticket=received.ticket)
    if facts.get("RecordingUrl") and not call.simulated:
        # Without an ending Twilio gives a WAV of ten times the size.
        address = f"{facts['RecordingUrl'].removesuffix('.json').removesuffix('.mp3')}.mp3"
        downloads.keep(received.entry, {facts["RecordingSid"]: address}, "Voicemail")
