"""All that every line may say, compiled outside of any request: a call is answered from this alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils import timezone

from tickets.keeper import Keeper
from voice import local, pins, sounds
from voice.models import Announcement, Line
from voice.numbers import may_dial

LineDocument = dict[str, Any]
# Numbers that Twilio rings at once (https://www.twilio.com/docs/voice/twiml/number).
MOST_RINGS = 10


@dataclass(frozen=True, slots=True)
class Face:
    """What a line shows a caller now. `kind`: open, closed or incident; words and audio (blob hashes) by language."""

    kind: str
    text: Mapping[str, str]
    audio: Mapping[str, str]
    problem: int | None = None
    since: str = ""  # ISO: since when customers are affected
    next_update: str = ""  # ISO: until when we promise to say more


def compile_plan() -> dict[str, Any]:
    """The document of all lines: faces, hours, keys, and the overlays that are or will be in force.

    A recording that is not there is left out, so that its words are spoken: Twilio would play nothing.
    """
    local.merge()
    now = timezone.now()
    overlays: dict[int, list[dict[str, Any]]] = {}
    rows = Announcement.objects.filter(ended_at__isnull=True).exclude(until__lte=now).order_by("-since", "-pk")
    for row in rows:
        overlays.setdefault(row.line_id, []).append(overlay_of(row))
    active = Line.objects.filter(active=True).prefetch_related("agents__agent_phone")
    lines = {line.key: document_of(line, overlays.get(line.pk, [])) for line in active}
    numbers = {line["number"]: key for key, line in lines.items()}
    return {"lines": lines, "numbers": numbers, "managers": pins.numbers_let_in()}


# Twice a second: a switch is heard everywhere within one.
PLAN = Keeper("plan", compile_plan, every=0.5)


def line_of(key: str) -> LineDocument | None:
    """One line as it stands now, announcements made on this host alone included; None if the plan has no such line."""
    line = PLAN.current().get("lines", {}).get(key)
    if line is None:
        return None
    return {**line, "overlays": local.laid_over(key, line["overlays"])}


def lines_now() -> dict[str, LineDocument]:
    """Every line as it stands now, by its key."""
    found = {key: line_of(key) for key in PLAN.current().get("lines", {})}
    return {key: line for key, line in found.items() if line is not None}


def may_dial_in(number: str) -> bool:
    """Whether somebody who calls from this number (E.164) may be asked for a PIN. A number alone proves nothing."""
    return bool(number) and number in PLAN.current().get("managers", ())


def face(line: LineDocument, now: datetime) -> Face:
    """Pure: the newest overlay in force at `now`, else open or closed by the line's own hours."""
    overlay = overlay_in_force(line["overlays"], now)
    if overlay is not None:
        return Face(
            "incident",
            overlay["text"],
            overlay["audio"],
            overlay["problem"],
            since=overlay.get("known_since", ""),
            next_update=overlay.get("next_update", ""),
        )
    kind = "open" if is_open(line, now) else "closed"
    return Face(kind, line["faces"][kind]["text"], line["faces"][kind]["audio"])


def overlay_in_force(overlays: list[dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """Pure: the newest overlay that has begun and not run out."""
    found = [
        overlay
        for overlay in overlays
        if datetime.fromisoformat(overlay["since"]) <= now
        and (overlay["until"] is None or datetime.fromisoformat(overlay["until"]) > now)
    ]
    return max(found, key=lambda overlay: (datetime.fromisoformat(overlay["since"]), overlay["id"]), default=None)


def is_open(line: LineDocument, now: datetime) -> bool:
    """Pure: whether the line is open at `now`, by the clock of its own time zone. No hours at all: always open."""
    try:
        local_now = now.astimezone(ZoneInfo(line["time_zone"]))
    except (ZoneInfoNotFoundError, ValueError):
        local_now = now
    if local_now.date().isoformat() in line["holidays"]:
        return False
    if not line["hours"]:
        return True
    clock = f"{local_now:%H:%M}"
    return any(start <= clock < end for start, end in line["hours"].get(str(local_now.weekday()), []))


def next_change(line: LineDocument, now: datetime) -> datetime | None:
    """Pure: when the line opens or closes next by its hours; None if it does neither within ten days."""
    try:
        zone = ZoneInfo(line["time_zone"])
    except (ZoneInfoNotFoundError, ValueError):
        return None
    clocks = {"00:00", *(clock for spans in line["hours"].values() for span in spans for clock in span)}
    today, open_now = now.astimezone(zone).date(), is_open(line, now)
    moments = (
        datetime.combine(today + timedelta(days=days), time.fromisoformat(clock), zone)
        for days in range(11)
        for clock in sorted(clocks - {"24:00"})
    )
    return next((at for at in moments if at > now and is_open(line, at) != open_now), None)


def overlay_of(row: Announcement) -> dict[str, Any]:
    """What the plan holds of one announcement."""
    return {
        "id": row.pk,
        "since": row.since.isoformat(),
        "until": row.until.isoformat() if row.until else None,
        "problem": row.problem_id,
        "known_since": row.known_since.isoformat() if row.known_since else "",
        "next_update": row.next_update_by.isoformat() if row.next_update_by else "",
        "text": row.text,
        "audio": sounds.present(row.audio),
        "local": row.local_key,
    }


def rung_by(line: Line) -> list[str]:
    """The numbers that an open line rings: its own, and the phones of its agents who have said where they are rung."""
    phones = [agent.agent_phone.number for agent in line.agents.all() if hasattr(agent, "agent_phone")]
    may = [number for number in phones if may_dial(number, settings.CALL_COUNTRIES) is None and number != line.number]
    return list(dict.fromkeys([*line.rings, *may]))[:MOST_RINGS]


def document_of(line: Line, overlays: list[dict[str, Any]]) -> LineDocument:
    """What the plan holds of one line under these overlays."""
    return {
        "id": line.pk,
        "key": line.key,
        "name": line.name,
        "number": line.number,
        "group": line.group,
        "languages": line.languages or ["en"],
        "time_zone": line.time_zone,
        "hours": line.hours,
        "holidays": line.holidays,
        "rings": rung_by(line),
        "screens": line.screens,
        "offers_agent": line.offers_agent,
        "says_recorded": line.says_recorded,
        "faces": {
            "open": {"text": line.open_text, "audio": sounds.present(line.open_audio)},
            "closed": {"text": line.closed_text, "audio": sounds.present(line.closed_audio)},
            "incident": {"text": line.incident_text, "audio": sounds.present(line.incident_audio)},
        },
        "overlays": overlays,
    }
