"""What a manager hears who dials in to switch the lines, and where their keys lead: pure decisions over the plan.

identify → language, if there are several → speak → hear it → 1 publish, 2 again, 3 the prepared words → on which lines.
Until the last key nothing is changed: who hangs up before has only spoken. All that has been chosen stands in the
addresses, signed, since a call's next request may reach another process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core import signing
from twilio.twiml.voice_response import VoiceResponse

from voice import twiml
from voice.plan import Face, LineDocument, overlay_in_force
from voice.words import language_name

# Times that a question is asked, a PIN tried, and a recording asked for in one call.
ATTEMPTS, FETCHES = 3, 8
# Seconds that an announcement may last, and for which whoever got in may go on.
LONGEST, LIFETIME = 120, 1800
ANNOUNCE, CLEAR = "announce", "clear"
_SIGNER = signing.Signer(salt="voice.dial_in")


@dataclass(frozen=True, slots=True)
class Pass:
    """Who got in, in which call and when (Unix time), and what they have chosen: the language they speak in, what is
    heard instead (`sound`: a blob hash; empty: the prepared words), where the recording lies, what is to be done."""

    user: int
    sid: str
    at: int
    language: str = ""
    recording: str = ""
    seconds: int = 0
    sound: str = ""
    deed: str = ANNOUNCE


class NoPass(Exception):
    """Not signed by us, of another call, or too old."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One webhook of a call of somebody who got in. `lines`: all, by key, as they stand now."""

    line: LineDocument
    lines: Mapping[str, LineDocument]
    language: str  # in which we speak to them
    held: Pass
    attempt: int
    keys: str
    now: datetime

    def path(self, step: str, attempt: int = 0, **chosen: Any) -> str:
        """The address of a step after this has been chosen."""
        held = _SIGNER.sign_object(asdict(replace(self.held, **chosen)), compress=True)
        return f"/voice/{self.line['key']}/dial-in/{step}/{held}/{self.language}/{attempt}/"


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be done now, on these lines (keys)."""

    deed: str
    lines: list[str]
    language: str
    sound: str


@dataclass(frozen=True, slots=True)
class Next:
    """What is heard; or what has to be done first: an order; or, of the visit `fetch`, its recording to be fetched,
    with what is heard while it is not there."""

    response: VoiceResponse = field(default_factory=VoiceResponse)
    order: Order | None = None
    fetch: Visit | None = None


def read_pass(signed: str, sid: str, now: datetime) -> Pass:
    """The pass in an address, if it is of this call and not too old. NoPass."""
    try:
        held = Pass(**_SIGNER.unsign_object(signed))
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise NoPass("not signed by us") from error
    if not sid or held.sid != sid or not 0 <= now.timestamp() - held.at <= LIFETIME:
        raise NoPass("of another call, or too old")
    return held


# ── getting in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_pin(line: str, language: str, attempt: int = 0) -> VoiceResponse:
    """Asks for the PIN, and does not say what for. `attempt` above 0: the one before was wrong."""
    response = VoiceResponse()
    if attempt:
        twiml.say(response, "dial_in_wrong", language)
    if attempt >= ATTEMPTS:
        return _end(response, "goodbye", language)
    collector = twiml.gather(response, f"/voice/{line}/dial-in/pin/{language}/{attempt}/", digits=None)
    twiml.say(collector, "dial_in_pin", language)
    return response


def said(name: str, language: str, **context: Any) -> VoiceResponse:
    """One sentence, and the call ends."""
    return _end(VoiceResponse(), name, language, **context)


def welcome(visit: Visit) -> VoiceResponse:
    """What is announced now, and what can be done."""
    return _choices(visit, VoiceResponse(), 0)


def _choices(visit: Visit, response: VoiceResponse, attempt: int) -> VoiceResponse:
    announcing = _announcing(visit)
    collector = twiml.gather(response, visit.path("choose", attempt))
    if announcing:
        count = {"count": len(announcing), "lines": len(visit.lines)}
        twiml.say(collector, "dial_in_on", visit.language, **count)
    else:
        twiml.say(collector, "dial_in_quiet", visit.language)
    twiml.say(collector, "dial_in_record_offer", visit.language)
    if announcing:
        twiml.say(collector, "dial_in_clear_offer", visit.language)
    return response


# ── choosing and speaking ────────────────────────────────────────────────────────────────────────────────────────────


def choose(visit: Visit) -> Next:
    """1: an announcement; 9: take down what is on."""
    if visit.keys == "1":
        languages = _languages(visit)
        return Next(_speak(visit, languages[0]) if len(languages) == 1 else _ask_language(visit, VoiceResponse(), 0))
    if visit.keys == "9" and _announcing(visit):
        return _where(replace(visit, held=replace(visit.held, deed=CLEAR)))
    return _once_more(visit, _choices)


def choose_language(visit: Visit) -> Next:
    """The language in which the announcement is spoken."""
    languages = _languages(visit)
    if visit.keys.isdecimal() and 1 <= int(visit.keys) <= len(languages):
        return Next(_speak(visit, languages[int(visit.keys) - 1]))
    return _once_more(visit, _ask_language)


def recorded(visit: Visit, recording: str, seconds: int) -> Next:
    """After somebody spoke. `recording`: where it lies; Twilio may take some seconds to have it there, so that it is
    fetched again and again; empty: nothing was said."""
    if not recording:
        return Next(unheard(visit))
    return fetch(replace(visit, held=replace(visit.held, recording=recording, seconds=seconds), attempt=0))


def fetch(visit: Visit) -> Next:
    """Looks whether the recording is there: each look is one of FETCHES."""
    return Next(_waiting(visit), fetch=replace(visit, attempt=0))


def lost(visit: Visit) -> VoiceResponse:
    """The recording is not to be had: the other ways."""
    response = VoiceResponse()
    twiml.say(response, "dial_in_lost", visit.language)
    return _lost(visit, response, 0)


def _lost(visit: Visit, response: VoiceResponse, attempt: int) -> VoiceResponse:
    collector = twiml.gather(response, visit.path("instead", attempt, recording="", sound=""))
    twiml.say(collector, "dial_in_again_offer", visit.language)
    twiml.say(collector, "dial_in_words_offer", visit.language)
    return response


def instead(visit: Visit) -> Next:
    """After a recording was lost, 2: speak once more; 3: the prepared words."""
    if visit.keys == "2":
        return Next(_speak(visit, visit.held.language))
    if visit.keys == "3":
        return Next(listen(visit, ""))
    return _once_more(visit, _lost)


def _waiting(visit: Visit) -> VoiceResponse:
    """Once more in a second, but not for ever."""
    if visit.attempt + 1 >= FETCHES:
        return lost(visit)
    response = VoiceResponse()
    if not visit.attempt:
        twiml.say(response, "dial_in_moment", visit.language)
    response.pause(length=1)
    response.redirect(visit.path("fetch", visit.attempt + 1), method="POST")
    return response


def unheard(visit: Visit) -> VoiceResponse:
    """What was recorded is too short or silent: nobody could hear it."""
    response = VoiceResponse()
    twiml.say(response, "dial_in_nothing", visit.language)
    if visit.attempt + 1 >= ATTEMPTS:
        return _end(response, "goodbye", visit.language)
    return _record(visit, response, visit.held.language, visit.attempt + 1)


def listen(visit: Visit, sound: str) -> VoiceResponse:
    """Plays what callers will hear: a recording (blob hash), or for an empty one the prepared words."""
    visit = replace(visit, held=replace(visit.held, sound=sound, recording=""))
    return _listen(visit, VoiceResponse(), 0)


def _listen(visit: Visit, response: VoiceResponse, attempt: int) -> VoiceResponse:
    held, faces = visit.held, visit.line["faces"]["incident"]
    collector = twiml.gather(response, visit.path("decide", attempt))
    twiml.say(collector, "dial_in_hear", visit.language)
    words = {} if held.sound else faces["text"]
    audio = {held.language: held.sound} if held.sound else faces["audio"]
    twiml.speak(collector, twiml.of_face(Face("incident", words, audio), held.language, visit.line["languages"]))
    twiml.say(collector, "dial_in_publish_offer", visit.language)
    twiml.say(collector, "dial_in_again_offer", visit.language)
    if held.sound:
        twiml.say(collector, "dial_in_words_offer", visit.language)
    return response


def decide(visit: Visit) -> Next:
    """1: publish what was heard; 2: speak once more; 3: the prepared words instead."""
    if visit.keys == "1":
        return _where(visit)
    if visit.keys == "2":
        return Next(_speak(visit, visit.held.language))
    if visit.keys == "3":
        return Next(listen(visit, ""))
    return _once_more(visit, _listen)


# ── on which lines ───────────────────────────────────────────────────────────────────────────────────────────────────


def where(visit: Visit) -> Next:
    """1: all lines; 2: those of this line's group, or this one alone."""
    if visit.keys == "1":
        return _order(visit, list(visit.lines))
    if visit.keys == "2":
        return _order(visit, _near(visit))
    return _once_more(visit, _ask_where)


def done(visit: Visit, deed: str, count: int) -> VoiceResponse:
    """What was changed on so many lines."""
    return said("dial_in_published" if deed == ANNOUNCE else "dial_in_cleared", visit.language, count=count)


def _where(visit: Visit) -> Next:
    if len(_near(visit)) == len(visit.lines):
        return _order(visit, list(visit.lines))
    return Next(_ask_where(visit, VoiceResponse(), 0))


def _ask_where(visit: Visit, response: VoiceResponse, attempt: int) -> VoiceResponse:
    collector = twiml.gather(response, visit.path("where", attempt))
    twiml.say(collector, "dial_in_all", visit.language, count=len(visit.lines))
    if visit.line["group"]:
        twiml.say(collector, "dial_in_group", visit.language, group=visit.line["group"])
    else:
        twiml.say(collector, "dial_in_this", visit.language)
    return response


def _order(visit: Visit, lines: list[str]) -> Next:
    return Next(order=Order(visit.held.deed, lines, visit.held.language, visit.held.sound))


def _near(visit: Visit) -> list[str]:
    """The lines of this line's group; itself where it has none."""
    group = visit.line["group"]
    return [key for key, line in visit.lines.items() if key == visit.line["key"] or (group and line["group"] == group)]


# ── what these have in common ────────────────────────────────────────────────────────────────────────────────────────


def _announcing(visit: Visit) -> list[str]:
    return [key for key, line in visit.lines.items() if overlay_in_force(line["overlays"], visit.now)]


def _languages(visit: Visit) -> Sequence[str]:
    """This line's first, then those of the others; as many as there are keys."""
    others = (tag for line in visit.lines.values() for tag in line["languages"])
    return list(dict.fromkeys([*visit.line["languages"], *others]))[:9]


def _ask_language(visit: Visit, response: VoiceResponse, attempt: int) -> VoiceResponse:
    collector = twiml.gather(response, visit.path("language", attempt))
    for key, tag in enumerate(_languages(visit), start=1):
        named = {"key": key, "spoken": language_name(tag, visit.language)}
        twiml.say(collector, "dial_in_language", visit.language, **named)
    return response


def _speak(visit: Visit, tag: str) -> VoiceResponse:
    return _record(visit, VoiceResponse(), tag, 0)


def _record(visit: Visit, response: VoiceResponse, tag: str, attempt: int) -> VoiceResponse:
    twiml.say(response, "dial_in_speak", visit.language)
    action = visit.path("recorded", attempt, language=tag, recording="", sound="", deed=ANNOUNCE)
    twiml.record(response, action, longest=LONGEST)
    # Twilio goes on here where nothing was said.
    response.redirect(action, method="POST")
    return response


def _once_more(visit: Visit, ask: Callable[[Visit, VoiceResponse, int], VoiceResponse]) -> Next:
    """A wrong key: asked again, in the end goodbye."""
    if visit.attempt + 1 >= ATTEMPTS:
        return Next(_end(VoiceResponse(), "goodbye", visit.language))
    return Next(ask(visit, VoiceResponse(), visit.attempt + 1))


def _end(response: VoiceResponse, name: str, language: str, **context: Any) -> VoiceResponse:
    twiml.say(response, name, language, **context)
    response.hangup()
    return response
