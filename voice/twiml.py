"""Writes what a caller hears as TwiML: recorded audio where there is some, else text to speech, never silence."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeAlias

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


class Spoken(NamedTuple):
    """Words to be said, and their language (BCP 47)."""

    text: str
    language: str


class Played(NamedTuple):
    """A recording to be played."""

    address: str


Heard: TypeAlias = Spoken | Played


class Menu(VoiceResponse):
    """Words, and a key that is waited for meanwhile. Calls share it, and it is written once: nobody may add to it."""

    def __init__(self, action: str, heard: Sequence[Heard], before: Sequence[Heard]) -> None:
        super().__init__()
        for one in before:
            speak(self, one)
        collector = gather(self, action)
        for one in heard:
            speak(collector, one)

    def __str__(self) -> str:
        return self._written

    @cached_property
    def _written(self) -> str:
        return self.to_xml()


@lru_cache(maxsize=1000)
def menu(action: str, heard: tuple[Heard, ...], before: tuple[Heard, ...] = ()) -> Menu:
    """The menu whose key is posted to `action`. Kept: in a surge nearly everybody hears the same."""
    return Menu(action, heard, before)


def ours(name: str, language: str, **context: Any) -> Spoken:
    """One of our sentences (`templates/voice/words/`)."""
    return Spoken(sentence(name, language, **context), language)


def of_face(face: Face, language: str, languages: Sequence[str]) -> Heard:
    """A line's words in the caller's language, else in the first of the line's languages that has any."""
    for tag in dict.fromkeys([language, *languages]):
        if face.audio.get(tag):
            return Played(reverse("voice_audio", args=[face.audio[tag]]))
        if face.text.get(tag, "").strip():
            return Spoken(face.text[tag], tag)
    return ours(face.kind, language)


def speak(speaker: Speaker, heard: Heard) -> None:
    """Adds words or a recording to a document."""
    if isinstance(heard, Played):
        speaker.play(heard.address)
        return
    for piece in pieces(heard.text):
        speaker.say(piece, language=variety(heard.language))


def say(speaker: Speaker, name: str, language: str, **context: Any) -> None:
    """Says one of our sentences."""
    speak(speaker, ours(name, language, **context))


def gather(response: VoiceResponse, action: str, digits: int | None = 1) -> Gather:
    """Waits for keys and posts them, or that there were none, to `action`. `digits` None: any number, ended by #."""
    keys: Mapping[str, Any] = {"num_digits": digits} if digits else {"finish_on_key": "#"}
    collector = Gather(
        action=action, method="POST", timeout=PATIENCE, input="dtmf", action_on_empty_result=True, **keys
    )
    response.append(collector)
    return collector


def ring(response: VoiceResponse, numbers: Sequence[str], action: str, screen: str = "") -> None:
    """Rings all these numbers at once; the first to answer has the call, and `action` learns how it went.

    `screen`: the address of what whoever answers hears first, while it goes on ringing for the caller.
    """
    first: Mapping[str, Any] = {"url": screen, "method": "POST"} if screen else {}
    dial = response.dial(action=action, method="POST", timeout=RING, answer_on_bridge=True if screen else None)
    for number in numbers:
        dial.number(number, **first)


def meanwhile(response: VoiceResponse, action: str, heard: Heard) -> None:
    """Words during which a key may be pressed; without one the call goes on after them as if none were waited for."""
    collector = Gather(action=action, method="POST", timeout=1, input="dtmf", num_digits=1)
    speak(collector, heard)
    response.append(collector)


def record(response: VoiceResponse, action: str, *, longest: int = LONGEST_MESSAGE) -> None:
    """Records a message of so many seconds at most, which is posted to `action`."""
    response.record(action=action, method="POST", max_length=longest, timeout=5, finish_on_key="#", play_beep=True)
