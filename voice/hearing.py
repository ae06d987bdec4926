"""What a caller hears, read from the very document that a call gets, so that pages never promise anything else."""

from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, fromstring

from voice import script
from voice.plan import LineDocument

# Somebody whose number is shown: who withholds it hears another offer.
_SOMEBODY = "+12025550100"


@dataclass(frozen=True, slots=True)
class Part:
    """`kind`: say (words), play (the address of a recording) or ring (numbers)."""

    kind: str
    what: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """All that one language hears, in order."""

    language: str
    parts: list[Part]


def heard(line: LineDocument, now: datetime) -> list[Heard]:
    """What callers of a line hear at `now`, in each of its languages."""
    return [Heard(language, _parts(line, language, now)) for language in line["languages"]]


def _parts(line: LineDocument, language: str, now: datetime) -> list[Part]:
    turn = script.Turn(line, language, 0, caller=_SOMEBODY, keys="", now=now, countries=())
    # Our own writer made it a line above: nothing of it comes from outside.
    document = fromstring(str(script.answer(turn).response))  # noqa: S314
    return [part for verb in document.iter() if (part := _part(verb))]


def _part(verb: Element) -> Part | None:
    if verb.tag == "Say":
        return Part("say", verb.text or "", verb.get("language", ""))
    if verb.tag == "Play":
        return Part("play", verb.text or "")
    if verb.tag == "Dial":
        return Part("ring", ", ".join(number.text or "" for number in verb))
    return None
