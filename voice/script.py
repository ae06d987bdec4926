"""What a call hears and where its keys lead: pure decisions over the plan, no database, no request."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from voice import dial_in, screening, twiml
from voice.numbers import may_dial, may_text, normalised, region_of
from voice.plan import Face, LineDocument, face
from voice.standing import Wait
from voice.twiml import Heard
from voice.words import digits, language_name, spoken_time

# The key that no menu tells of: to managers' numbers it asks for a PIN, to others it is a wrong one.
DIAL_IN = "*"
# Times that a menu is repeated before we say goodbye.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """One webhook of a call. `path` is where the keys of this call go: language and attempt are in it."""

    line: LineDocument
    language: str
    attempt: int
    caller: str  # E.164, empty if withheld
    keys: str
    now: datetime
    countries: tuple[str, ...]
    kind: str = ""  # the face whose menu was heard
    number: str = ""  # the number entered, to be confirmed
    dialled: str = ""  # how ringing our agents ended
    stands: bool = False  # a callback to the number in question stands already
    wait: Wait | None = None  # roughly when it is called
    manager: bool = False  # calls from a manager's number, which may be forged

    def path(
        self, step: str, *, language: str = "", attempt: int | None = None, kind: str = "", number: str = ""
    ) -> str:
        """The address of a step: everything it needs stands in the path, nothing in the query."""
        place = self.attempt if attempt is None else attempt
        middle = "".join(f"{part}/" for part in (kind, number) if part)
        return f"/voice/{self.line['key']}/{step}/{middle}{language or self.language}/{place}/"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is heard, and facts for the journal: face, problem, language, choice, a number to `callback` or `text`."""

    response: VoiceResponse
    facts: dict[str, Any] = field(default_factory=dict)


def answer(turn: Turn) -> Reply:
    """The first words of a call, and the menu or the ringing that follows."""
    shown = face(turn.line, turn.now)
    facts = {"face": shown.kind, "problem": shown.problem, "language": turn.language}
    if shown.kind == "open" and turn.line["rings"]:
        response = VoiceResponse()
        words = twiml.of_face(shown, turn.language, turn.line["languages"])
        if turn.manager:
            twiml.meanwhile(response, turn.path("menu", kind=shown.kind), words)
        else:
            twiml.speak(response, words)
        _ring(response, turn)
        return Reply(response, facts)
    return Reply(_menu(turn, shown, with_words=True), facts)


def dialled(turn: Turn) -> Reply:
    """After our agents' phones rang: over, or nobody was free and the menu follows."""
    if turn.dialled in screening.ANSWERED:
        response = VoiceResponse()
        response.hangup()
        return Reply(response, {"choice": "agent"})
    shown = face(turn.line, turn.now)
    before = (twiml.ours("nobody_free", turn.language),)
    # A new attempt: a key pressed now is not the one that led to the ringing, and the journal keeps each once.
    again = replace(turn, attempt=turn.attempt + 1)
    return Reply(_menu(again, shown, with_words=shown.kind == "incident", before=before), {"choice": "nobody_free"})


def menu(turn: Turn) -> Reply:
    """A key of the menu whose face was heard (`turn.kind`), whatever the line shows by now."""
    incident = turn.kind == "incident"
    if turn.keys == DIAL_IN and turn.manager:
        return Reply(dial_in.ask_pin(turn.line["key"], turn.language), {"choice": "dial_in"})
    if turn.keys == "1":
        return _call_back(turn)
    if turn.keys == "2":
        return _ask_number(turn) if incident else _voicemail(turn)
    if turn.keys == "3" and incident and _may_text(turn):
        return _text(turn)
    if turn.keys == "9" and len(turn.line["languages"]) > 1:
        return answer(replace(turn, language=_next_language(turn), attempt=turn.attempt + 1))
    if turn.keys == "0" and incident and turn.line["offers_agent"] and turn.line["rings"]:
        response = VoiceResponse()
        _ring(response, turn)
        return Reply(response, {"choice": "stay"})
    return _again(turn)


def number(turn: Turn) -> Reply:
    """A number that was entered: read back, or asked for again."""
    entered = normalised(turn.keys, region_of(turn.line["number"]))
    if entered is None or may_dial(entered, turn.countries):
        if turn.attempt + 1 >= ATTEMPTS:
            return _goodbye(turn)
        response = VoiceResponse()
        twiml.say(response, "wrong_number", turn.language)
        _ask(response, turn, turn.attempt + 1)
        return Reply(response)
    response = VoiceResponse()
    collector = twiml.gather(response, turn.path("confirm", number=entered.removeprefix("+")))
    twiml.say(collector, "confirm_number", turn.language, number=digits(entered))
    return Reply(response)


def confirm(turn: Turn) -> Reply:
    """Whether the number that was read back is right."""
    if turn.keys == "1":
        return _note(turn, "+" + turn.number)
    if turn.attempt + 1 >= ATTEMPTS:
        return _goodbye(turn)
    response = VoiceResponse()
    _ask(response, turn, turn.attempt + 1)
    return Reply(response)


def recorded(turn: Turn) -> Reply:
    """After a message was left."""
    response = VoiceResponse()
    twiml.say(response, "message_noted", turn.language)
    response.hangup()
    return Reply(response, {"choice": "voicemail"})


def not_noted(turn: Turn) -> VoiceResponse:
    """Said when neither database nor disk could keep a request: nothing is confirmed that is not kept."""
    response = VoiceResponse()
    twiml.say(response, "callback_not_noted", turn.language)
    response.hangup()
    return response


def any_line(language: str = "en") -> VoiceResponse:
    """Said when we know nothing of a line, or fail: a caller never hears a machine's error."""
    response = VoiceResponse()
    twiml.say(response, "any_line", language)
    response.hangup()
    return response


def plain(line: LineDocument, now: datetime) -> VoiceResponse:
    """The line's message and nothing else, for when a step failed."""
    response = VoiceResponse()
    twiml.speak(response, twiml.of_face(face(line, now), line["languages"][0], line["languages"]))
    response.hangup()
    return response


def _menu(turn: Turn, shown: Face, *, with_words: bool, before: tuple[Heard, ...] = ()) -> VoiceResponse:
    heard: list[Heard] = []
    if with_words:
        heard += [twiml.of_face(shown, turn.language, turn.line["languages"]), *_when(turn, shown)]
    heard += [twiml.ours(name, turn.language) for name in _offers(turn, shown.kind)]
    following = _next_language(turn)
    if following != turn.language:
        heard.append(twiml.ours("language_offer", following, spoken=language_name(following, following)))
    return twiml.menu(turn.path("menu", kind=shown.kind), tuple(heard), before)


def _when(turn: Turn, shown: Face) -> list[Heard]:
    """Since when it is known, and by when we say more: the promise only as long as it can be kept."""
    said: list[Heard] = []
    since = spoken_time(shown.since, turn.now, turn.line["time_zone"], turn.language)
    if since:
        said.append(twiml.ours("known_since", turn.language, since=since))
    if shown.next_update and datetime.fromisoformat(shown.next_update) > turn.now:
        by = spoken_time(shown.next_update, turn.now, turn.line["time_zone"], turn.language)
        said.append(twiml.ours("next_update", turn.language, by=by))
    return said


def _offers(turn: Turn, kind: str) -> list[str]:
    offers = ["callback_offer" if _may_call(turn) else "callback_asked_offer"]
    if kind != "incident":
        return [*offers, "voicemail_offer"]
    offers.append("other_number_offer")
    if _may_text(turn):
        offers.append("text_offer")
    return [*offers, "agent_offer"] if turn.line["offers_agent"] and turn.line["rings"] else offers


def _ring(response: VoiceResponse, turn: Turn) -> None:
    screen = f"/voice/{turn.line['key']}/screen/" if turn.line.get("screens") else ""
    twiml.ring(response, turn.line["rings"], turn.path("dialled"), screen)


def _may_call(turn: Turn) -> bool:
    return bool(turn.caller) and may_dial(turn.caller, turn.countries) is None


def _may_text(turn: Turn) -> bool:
    return bool(turn.caller) and may_text(turn.caller, turn.countries) is None


def _call_back(turn: Turn) -> Reply:
    """On the number that calls; who withholds it, or has one that we do not call, is asked for one."""
    if _may_call(turn):
        return _note(turn, turn.caller)
    return _ask_number(turn, refused=bool(turn.caller))


def _text(turn: Turn) -> Reply:
    response = VoiceResponse()
    twiml.say(response, "text_noted", turn.language)
    response.hangup()
    problem = face(turn.line, turn.now).problem
    return Reply(response, {"choice": "text", "text": turn.caller, "problem": problem, "language": turn.language})


def _note(turn: Turn, callee: str) -> Reply:
    """A callback was asked for. Whether the number may be called is decided here for what was entered by hand too."""
    response = VoiceResponse()
    if may_dial(callee, turn.countries):
        twiml.say(response, "wrong_number", turn.language)
        response.hangup()
        return Reply(response, {"choice": "refused"})
    twiml.say(response, "callback_stands" if turn.stands else "callback_noted", turn.language)
    if turn.wait is not None:
        low, high = turn.wait.shown
        twiml.say(response, "callback_wait", turn.language, low=low, high=high, hours=turn.wait.in_hours)
    response.hangup()
    # The problem is told here too: this step may be understood before the one that answered the call.
    problem = face(turn.line, turn.now).problem
    facts = {"choice": "callback", "callback": callee, "problem": problem, "language": turn.language}
    return Reply(response, facts)


def _ask_number(turn: Turn, *, refused: bool = False) -> Reply:
    response = VoiceResponse()
    if refused:
        twiml.say(response, "wrong_number", turn.language)
    _ask(response, turn, 0)
    return Reply(response, {"choice": "other_number"})


def _ask(response: VoiceResponse, turn: Turn, attempt: int) -> None:
    collector = twiml.gather(response, turn.path("number", attempt=attempt), digits=None)
    twiml.say(collector, "ask_number", turn.language)


def _voicemail(turn: Turn) -> Reply:
    response = VoiceResponse()
    if turn.line.get("says_recorded", True):
        twiml.say(response, "recording_notice", turn.language)
    twiml.say(response, "leave_message", turn.language)
    twiml.record(response, turn.path("recording"))
    # Twilio goes on here where nothing was said.
    twiml.say(response, "goodbye", turn.language)
    return Reply(response, {"choice": "voicemail_asked"})


def _again(turn: Turn) -> Reply:
    if turn.attempt + 1 >= ATTEMPTS:
        return _goodbye(turn)
    again = replace(turn, attempt=turn.attempt + 1)
    return Reply(_menu(again, Face(turn.kind, {}, {}), with_words=False))


def _goodbye(turn: Turn) -> Reply:
    response = VoiceResponse()
    twiml.say(response, "goodbye", turn.language)
    response.hangup()
    return Reply(response)


def _next_language(turn: Turn) -> str:
    """Where 9 leads, over and over through all of the line's languages."""
    languages = turn.line["languages"]
    place = languages.index(turn.language) if turn.language in languages else 0
    return languages[(place + 1) % len(languages)]
