"""What a caller hears, read from the very document that a call gets, so that pages never promise anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, fromstring

from django.utils import timezone

from voice import script
from voice.models import Line
from voice.plan import LineDocument, document_of
from voice.spoken import pieces

# Somebody whose number is shown and may be called and texted: others hear other offers.
_SOMEBODY, _CALLED = "+12025550100", ("US",)


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


def after_words(
    line: Line, spoken: Sequence[Mapping[str, str]], *, known_since: datetime, next_update: datetime | None
) -> dict[str, str]:
    """By language, all that callers hear after an announcement's own words (`spoken`, as `lines.says` gives them)."""
    now = timezone.now()
    overlay = {
        "id": 0,
        "since": now.isoformat(),
        "until": None,
        "problem": None,
        "known_since": known_since.isoformat(),
        "next_update": next_update.isoformat() if next_update else "",
        "text": {said["language"]: said["text"] for said in spoken},
        "audio": {said["language"]: said["audio"] for said in spoken if said["audio"]},
        "local": "",
    }
    document = document_of(line, [overlay])
    own = {said["language"]: 1 if said["audio"] else len(pieces(said["text"])) for said in spoken}
    return {
        one.language: " ".join(part.what for part in one.parts[own[one.language] :])
        for one in heard(document, now)
        if one.language in own
    }


def _parts(line: LineDocument, language: str, now: datetime) -> list[Part]:
    turn = script.Turn(line, language, 0, caller=_SOMEBODY, keys="", now=now, countries=_CALLED)
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
