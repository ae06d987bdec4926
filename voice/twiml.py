"""Writes what a caller hears as TwiML: recorded audio where there is some, else text to speech, never silence."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from django.urls import reverse
from twilio.twiml.voice_response import Gather, VoiceResponse

from voice.plan import Face
from voice.spoken import pieces, variety
from voice.words import sentence

# Seconds that a caller has for a key.
PATIENCE = 6
# Seconds that a message may last, and that agents' phones ring.
LONGEST_MESSAGE, RING = 180, 20

Speaker: TypeAlias = VoiceResponse | Gather


def say(speaker: Speaker, name: str, language: str, **context: Any) -> None:
    """Says one of our sentences (`templates/voice/words/`)."""
    _speak(speaker, sentence(name, language, **context), language)


def say_face(speaker: Speaker, face: Face, language: str, languages: Sequence[str]) -> None:
    """Says a line's words in the caller's language, else in the first of the line's languages that has any."""
    for tag in dict.fromkeys([language, *languages]):
        if face.audio.get(tag):
            speaker.play(reverse("voice_audio", args=[face.audio[tag]]))
            return
        if face.text.get(tag, "").strip():
            _speak(speaker, face.text[tag], tag)
            return
    say(speaker, face.kind, language)


def _speak(speaker: Speaker, text: str, language: str) -> None:
    for piece in pieces(text):
        speaker.say(piece, language=variety(language))


def gather(response: VoiceResponse, action: str, digits: int | None = 1) -> Gather:
    """Waits for keys and posts them, or that there were none, to `action`. `digits` None: any number, ended by #."""
    keys: Mapping[str, Any] = {"num_digits": digits} if digits else {"finish_on_key": "#"}
    collector = Gather(
        action=action, method="POST", timeout=PATIENCE, input="dtmf", action_on_empty_result=True, **keys
    )
    response.append(collector)
    return collector


def ring(response: VoiceResponse, numbers: Sequence[str], action: str) -> None:
    """Rings all these numbers at once; the first to answer has the call, and `action` learns how it went."""
    dial = response.dial(action=action, method="POST", timeout=RING)
    for number in numbers:
        dial.number(number)


def record(response: VoiceResponse, action: str) -> None:
    """Records a message, which is posted to `action`."""
    response.record(
        action=action, method="POST", max_length=LONGEST_MESSAGE, timeout=5, finish_on_key="#", play_beep=True
    )
