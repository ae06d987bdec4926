"""Plays TwiML as a caller would hear it: what is said, and what the call then waits for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a caller hears. `kind`: say (words, in `language`), play (an address) or note (what happens)."""

    kind: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What was heard, and what the call waits for: keys, a recording, ringing, a redirect, or nothing: it is over."""

    heard: list[Heard] = field(default_factory=list)
    awaits: str = "end"  # keys, recording, ringing, redirect, end
    action: str = ""
    many_keys: bool = False


class NotTwiml(Exception):
    """The answer is no TwiML document; the message says what it is instead."""


def perform(document: str) -> Scene:
    """Plays a document up to the point where the caller, or a phone, has to do something."""
    try:
        root = ElementTree.fromstring(document)  # noqa: S314  our own answer
    except ElementTree.ParseError as error:
        raise NotTwiml(f"no XML: {error}") from error
    if root.tag != "Response":
        raise NotTwiml(f"the document is a {root.tag}")
    heard: list[Heard] = []
    for verb in root:
        if verb.tag == "Gather":
            heard += _spoken(verb)
            many = bool(verb.get("finishOnKey")) and not verb.get("numDigits")
            return Scene(heard, "keys", verb.get("action", ""), many_keys=many)
        if verb.tag == "Record":
            heard.append(Heard("note", "A tone. Your message is being recorded."))
            return Scene(heard, "recording", verb.get("action", ""))
        if verb.tag == "Dial":
            heard.append(Heard("note", f"It rings on {_count(list(verb))}."))
            return Scene(heard, "ringing", verb.get("action", ""))
        if verb.tag == "Redirect":
            return Scene(heard, "redirect", (verb.text or "").strip())
        if verb.tag in ("Hangup", "Reject"):
            break
        heard += _spoken([verb])
    heard.append(Heard("note", "The line hangs up."))
    return Scene(heard)


def _spoken(verbs: Iterable[ElementTree.Element]) -> list[Heard]:
    found = []
    for verb in verbs:
        if verb.tag == "Say":
            found.append(Heard("say", " ".join("".join(verb.itertext()).split()), verb.get("language", "")))
        elif verb.tag == "Play":
            found.append(Heard("play", (verb.text or "").strip()))
        elif verb.tag == "Pause":
            found.append(Heard("note", f"Silence for {verb.get('length', '1')} s."))
    return found


def _count(phones: list[ElementTree.Element]) -> str:
    return "one phone" if len(phones) == 1 else f"{len(phones)} phones"
