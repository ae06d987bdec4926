"""Plays a TwiML document from a verb on, as Twilio does: what is heard, and what the call then waits for. Pure.

As https://www.twilio.com/docs/voice/twiml describes the verbs, with their defaults. Verbs that only other products
need (Enqueue, Connect, Pay …) are noted and passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

# Twilio's errors (https://www.twilio.com/docs/api/errors): no XML; another root than Response; an answer of a kind that
# it does not take; of none; one of more than 64 kB.
UNREADABLE, WRONG_ROOT, WRONG_KIND, NO_KIND, TOO_LARGE = 12100, 12102, 12300, 11200, 11750
LARGEST = 64_000
# As https://www.twilio.com/docs/api/twiml/your_response says what becomes of which.
XML = ("text/xml", "application/xml", "text/html")
# Seconds that a spoken word is reckoned with: the length of a simulated call is an estimate.
SECONDS_A_WORD = 0.4


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing of a call. `kind`: say (words, in `language`), play (an address), note (what happens), you or fault."""

    kind: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a call waits for: keys, recording, ringing, redirect, or end: it is over (`reason`: how it is told)."""

    what: str = "end"
    action: str = ""  # as the document names it; empty: none
    method: str = "POST"
    seconds: int = 0
    digits: int = 0  # so many keys end the input by themselves; 0: any number of them
    finish: str = ""  # keys that end the input
    tells_nothing: bool = False  # that there was no input is told to the action as well
    phones: tuple[str, ...] = ()  # what rings
    screens: tuple[str, ...] = ()  # of each of them, what is played to who answers; empty: nothing
    recorded: str = ""  # who is told of a recording beside the action
    reason: str = "completed"
    hung_up: bool = False  # it ends with a word to hang up, not because nothing follows


@dataclass(frozen=True, slots=True)
class Scene:
    """What was heard, what the call waits for, and the verb that follows when nothing comes of it."""

    heard: list[Heard] = field(default_factory=list)
    wait: Wait = field(default_factory=Wait)
    cursor: int = 0
    seconds: float = 0.0


class NotTwiml(Exception):
    """The answer cannot be played. `code` is Twilio's number for it; the message says what it is instead."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def read(content_type: str, body: str, url: str = "") -> Element:
    """The document in an answer. Plain text is spoken and sound is played, as Twilio does. NotTwiml."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/plain":
        return _response("Say", body.strip())
    if kind.startswith("audio/"):
        return _response("Play", url)
    if kind not in XML:
        raise NotTwiml(WRONG_KIND if kind else NO_KIND, f"the answer is {kind or 'of no kind'}")
    if len(body.encode()) > LARGEST:
        raise NotTwiml(TOO_LARGE, f"the answer has {len(body.encode()) / 1000:.0f} kB")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  our own answer
    except ElementTree.ParseError as error:
        raise NotTwiml(UNREADABLE, f"no XML: {error}") from error
    if root.tag != "Response":
        raise NotTwiml(WRONG_ROOT, f"the document is a {root.tag}")
    return root


def words(document: Element) -> str:
    """All that a document may say or play, in order, white space folded."""
    return " ".join(" ".join(verb.text or "" for verb in document.iter() if verb.tag in ("Say", "Play")).split())


def perform(document: Element, cursor: int = 0) -> Scene:
    """Plays from verb number `cursor` up to where the caller, or a phone, has to do something."""
    heard: list[Heard] = []
    verbs = list(document)
    for place in range(cursor, len(verbs)):
        verb = verbs[place]
        wait = _waits(verb)
        if verb.tag in ("Gather", "Say", "Play", "Pause"):
            heard += _spoken(verb if verb.tag == "Gather" else [verb])
        elif wait is None:
            heard.append(Heard("note", f"<{verb.tag}> is not played here; the call goes on after it."))
        if wait is not None:
            return Scene([*heard, *_noted(wait)], wait, place + 1, _seconds(heard, verbs[cursor : place + 1]))
    return Scene([*heard, *_noted(Wait())], Wait(), len(verbs), _seconds(heard, verbs[cursor:]))


def _waits(verb: Element) -> Wait | None:
    """What a verb makes the call wait for; None: the next verb follows at once."""
    action, method = verb.get("action", ""), verb.get("method", "POST").upper()
    if verb.tag == "Gather":
        digits = _number(verb, "numDigits", 0)
        empty = verb.get("actionOnEmptyResult", "").lower() == "true"
        finish = verb.get("finishOnKey", "#")
        return Wait("keys", action, method, _number(verb, "timeout", 5), digits, finish, tells_nothing=empty)
    if verb.tag == "Record":
        finish, recorded = verb.get("finishOnKey", "1234567890*#"), verb.get("recordingStatusCallback", "")
        return Wait("recording", action, method, _number(verb, "timeout", 5), finish=finish, recorded=recorded)
    if verb.tag == "Dial":
        rung = {phone: one.get("url", "") for one in [verb, *verb] if (phone := (one.text or "").strip())}
        seconds = _number(verb, "timeout", 30)
        return Wait("ringing", action, method, seconds, phones=tuple(rung), screens=tuple(rung.values()))
    if verb.tag == "Redirect":
        return Wait("redirect", (verb.text or "").strip(), method)
    if verb.tag == "Reject":
        return Wait(reason="busy" if verb.get("reason") == "busy" else "no-answer")
    return Wait(hung_up=True) if verb.tag == "Hangup" else None


def _noted(wait: Wait) -> list[Heard]:
    if wait.what == "recording":
        return [Heard("note", "A tone. What is said now is recorded.")]
    if wait.what == "ringing":
        count = "one phone" if len(wait.phones) == 1 else f"{len(wait.phones)} phones"
        return [Heard("note", f"It rings on {count}, for {wait.seconds} s.")]
    if wait.what == "end":
        refused = {"busy": "The caller hears that the line is busy.", "no-answer": "The call is turned away."}
        return [Heard("note", refused.get(wait.reason, "The line hangs up."))]
    return []


def _spoken(verbs: Iterable[Element]) -> list[Heard]:
    found = []
    for verb in verbs:
        if verb.tag == "Say":
            found.append(Heard("say", " ".join("".join(verb.itertext()).split()), verb.get("language", "")))
        elif verb.tag == "Play":
            found.append(Heard("play", (verb.text or "").strip()))
        elif verb.tag == "Pause":
            found.append(Heard("note", f"Silence for {_number(verb, 'length', 1)} s."))
    return found


def _seconds(heard: Iterable[Heard], verbs: Iterable[Element]) -> float:
    spoken = sum(len(one.text.split()) for one in heard if one.kind == "say") * SECONDS_A_WORD
    return spoken + sum(_number(pause, "length", 1) for verb in verbs for pause in verb.iter("Pause"))


def _number(verb: Element, name: str, default: int) -> int:
    said = verb.get(name, "")
    return int(said) if said.isdecimal() else default


def _response(tag: str, text: str) -> Element:
    root = Element("Response")
    if text:
        ElementTree.SubElement(root, tag).text = text
    return root
