"""Points our numbers at the fallback and back, with nothing but Twilio's credentials and a file: no database."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from tickets.blobs import write_durably
from tickets.work import TransportError
from voice import fallback
from voice.twilio_client import telephone

# What is put back as it was.
KEPT = ("voice_url", "voice_method")


Entry = dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one number; `fault` is empty if it was pointed."""

    number: str
    key: str
    url: str
    fault: str = ""


def to_fallback(lines: Sequence[Entry], keep: Path) -> list[Outcome]:
    """Lets Twilio fetch what each number says from the fallback alone; how it was set up goes to `keep` first."""
    before = _kept(keep)

    def change(line: Entry, found: Mapping[str, Any]) -> dict[str, str]:
        url = fallback.url_of(line["key"])
        if found["voice_url"] and found["voice_url"] != url:
            # Pointed twice, it still remembers where it was at first.
            before[line["number"]] = {name: found[name] or "" for name in KEPT}
            write_durably(keep, json.dumps(before, indent=1).encode())
        return {"voice_url": url, "voice_method": "GET"}

    return [_point(line, change) for line in lines]


def home(lines: Sequence[Entry], keep: Path) -> list[Outcome]:
    """Points numbers back as `keep` says, else at our own doors, with the fallback behind them."""
    before = _kept(keep)

    def change(line: Entry, _: Mapping[str, Any]) -> dict[str, str]:
        own = {"voice_url": f"{settings.PUBLIC_URL}/voice/{line['key']}/answer/", "voice_method": "POST"}
        behind = {"voice_fallback_url": fallback.url_of(line["key"]), "voice_fallback_method": "GET"}
        values = {**(before.get(line["number"]) or own), **(behind if behind["voice_fallback_url"] else {})}
        return {name: value for name, value in values.items() if value}

    return [_point(line, change) for line in lines]


def _point(line: Entry, change: Callable[[Entry, Mapping[str, Any]], dict[str, str]]) -> Outcome:
    url = ""
    try:
        found = telephone().number(line["number"])
        if found is None:
            raise TransportError("the account has no such number", permanent=True)
        if found["voice_application_sid"] or found["trunk_sid"]:
            # Twilio asks those before the number's own address; how to take them off its contract does not say.
            raise TransportError(
                "an application or a trunk answers it: take that off in Twilio's console", permanent=True
            )
        values = change(line, found)
        url = values["voice_url"]
        telephone().update_number(found["sid"], **values)
    except TransportError as error:
        return Outcome(line["number"], line["key"], url, str(error))
    return Outcome(line["number"], line["key"], url)


def read_lines(path: Path) -> list[Entry]:
    """The lines of a file as the export writes it. ValueError, OSError."""
    lines = json.loads(path.read_text())
    if not isinstance(lines, list) or not all(isinstance(one, dict) and {"key", "number"} <= set(one) for one in lines):
        raise ValueError("it is no list of lines with key and number")
    return lines


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}
