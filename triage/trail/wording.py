"""What an entry of the audit trail says, in plain words. Pure: the words are given, rows stay as they were written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from tickets.numbers import readable

Say = Mapping[str, str]

# Ids that say nothing to anybody, and what other columns show.
UNSHOWN = frozenset({"tickets", "announcement", "update", "outgoing", "job", "call", "incident", "effects"})
# Letters of one value that are shown.
LONGEST = 160
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CODE = re.compile(r"[a-z]+(_[a-z]+)+\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing of an entry. `before` is set where something changed; a value may be a time."""

    label: str
    value: str | datetime
    before: str | datetime | None = None


def what(action: str, detail: Mapping[str, Any], say: Say) -> str:
    """What was done. An act on tickets brings its own words; an action without words is shown tidily."""
    own = detail.get("words")
    if action in ("ticket.assign", "ticket.link") and isinstance(own, str) and own:
        return own[0].upper() + own[1:]
    return say.get(action) or _tidy(action.replace(".", ": "))


def details(action: str, detail: Mapping[str, Any], say: Say, people: Mapping[int, str]) -> list[Detail]:
    """Everything else, the empty left out. `people`: names by id, for what holds ids of colleagues."""
    known = {**detail, **_entering(detail.get("effects") or {})}
    if action.startswith("ticket."):
        known.pop("words", None)
    if action == "number.mend" and isinstance(known.get("was"), dict):
        known |= known.pop("was")
    found: list[Detail] = []
    for key, value in known.items():
        if key not in UNSHOWN:
            found += _of(key, _named(key, value, people), say, changes=action.startswith("line."))
    return _from_to(found, say)


def colleagues_in(detail: Mapping[str, Any]) -> set[int]:
    """The ids of people that an entry holds."""
    held = [detail.get("to"), *_flat(detail.get("agents"))]
    return {one for one in held if isinstance(one, int) and not isinstance(one, bool)}


def _entering(effects: Mapping[str, Any]) -> dict[str, Any]:
    """What entering incident mode did, of all that its preview held."""
    if not isinstance(effects, dict) or not effects:
        return {}
    status = effects.get("status") or {}
    minutes = status.get("next_update_minutes")
    parts = {part["name"]: part["status"] for part in status.get("components") or []}
    return {
        "lines": [line["name"] for line in effects.get("lines") or []],
        "status": status.get("status"),
        "body": status.get("body"),
        "impact": effects.get("impact"),
        "since": effects.get("started_at"),
        "components": parts,
        "linked": (effects.get("link") or {}).get("tickets"),
        "answered": (effects.get("answer") or {}).get("people"),
        "next_update": f"{minutes} minutes" if minutes else None,
    }


def _named(key: str, value: Any, people: Mapping[int, str]) -> Any:
    if key == "to" and isinstance(value, int):
        return people.get(value, f"person {value}")
    if key == "agents" and isinstance(value, list):
        return [_named("agents", one, people) if isinstance(one, list) else people.get(one, one) for one in value]
    return value


def _of(key: str, value: Any, say: Say, *, changes: bool) -> Iterator[Detail]:
    label = say.get(f":{key}") or _tidy(key)
    if changes and isinstance(value, list) and len(value) == 2:
        yield from _changed(key, label, value[0], value[1], say)
    elif value not in (None, "", [], {}):
        yield Detail(label, say.get(f"={key}:{value}") or _plain(value, say))


def _changed(key: str, label: str, before: Any, after: Any, say: Say) -> Iterator[Detail]:
    """A change from one value to another; of maps, only what differs."""
    if isinstance(after, dict) and isinstance(before, dict | None):
        for part in dict.fromkeys([*(before or {}), *after]):
            old, new = (before or {}).get(part), after.get(part)
            named = DAYS[int(part)] if key == "hours" and part in set("0123456") else part
            if old != new:
                yield Detail(f"{label}, {named}", _plain(new, say), _plain(old, say))
    else:
        # A line that is new had nothing before.
        old = None if before is None else _plain(before, say)
        if before is not None or after not in ("", [], {}, None):
            yield Detail(label, _plain(after, say), old)


def _from_to(found: Sequence[Detail], say: Say) -> list[Detail]:
    """What something was, kept beside what it is, as one change of it."""
    was = next((one for one in found if one.label == say.get(":was")), None)
    rest = [one for one in found if one is not was]
    return [Detail(rest[0].label, rest[0].value, was.value), *rest[1:]] if was and rest else list(found)


def _plain(value: Any, say: Say) -> str | datetime:
    if isinstance(value, bool):
        return say["=yes"] if value else say["=no"]
    if isinstance(value, str):
        return _words(value, say)
    return _shortened(_listed(value, say) if isinstance(value, list | dict) else str(value or say["=nothing"]), say)


def _words(value: str, say: Say) -> str | datetime:
    moment = parse_datetime(value) if _MOMENT.match(value) else None
    if moment is not None and is_aware(moment):
        return moment
    if _DIGEST.match(value):
        return "a recording"
    return say.get(f"={value}") or _shortened(value.replace("_", " ") if _CODE.match(value) else readable(value), say)


def _listed(value: Any, say: Say) -> str:
    """Lists with commas, maps as "name: value", spans of hours as "09:00–17:00"."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_listed(one, say)}" for key, one in value.items())
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(one, str) and re.match(r"\d\d:\d\d\Z", one) for one in value):
            return "–".join(value)
        return ", ".join(_listed(one, say) for one in value) or say["=nothing"]
    return str(_plain(value, say))


def _shortened(text: str, say: Say) -> str:
    text = " ".join(text.split()) or say["=nothing"]
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _tidy(code: str) -> str:
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [one for part in value for one in _flat(part)]
    return [value]
