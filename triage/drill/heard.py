"""Whether each caller of a drill heard what their line said at that moment, by the announcements as they were."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tickets.keeper import FIRST
from triage.drill.reckoning import Sent
from voice.models import Announcement, Line
from voice.plan import LineDocument, document_of, face, overlay_of
from voice.words import sentence

# A switch reaches every front process within a second; who calls in it, or while it is made, may hear either.
AROUND = timedelta(seconds=1 + FIRST)


def misheard(sent: Iterable[Sent]) -> list[str]:
    """The calls (tokens) that were answered with other words than their line's, with none, or with a document that
    Twilio does not take."""
    documents = _lines()
    calls = (line for line in sent if line["medium"] == "phone" and line["accepted"])
    return [f"call {line['token']} {why}" for line in calls if (why := _wrong(line, documents))]


def _wrong(line: Sent, documents: dict[str, LineDocument]) -> str:
    if line.get("faults"):
        return f"got a document with {line['faults'][0]}"
    return "" if _right(line, documents) else f"heard {line.get('heard', '')[:80]!r}"


def _right(line: Sent, documents: dict[str, LineDocument]) -> bool:
    document, said = documents.get(line["line"]), line.get("heard", "")
    if document is None:
        return False
    at = datetime.fromisoformat(line["at"])
    return any(said.startswith(_words(document, moment)) for moment in (at, at - AROUND, at + AROUND))


def _words(document: LineDocument, at: datetime) -> str:
    """How a call begins: the face of this moment in the line's first language, by its recording or its words."""
    shown, language = face(document, at), document["languages"][0]
    if shown.audio.get(language):
        return f"/voice/audio/{shown.audio[language]}/"
    text = shown.text.get(language, "").strip() or next((said for said in shown.text.values() if said.strip()), "")
    return " ".join((text or sentence(shown.kind, language)).split())


def _lines() -> dict[str, LineDocument]:
    overlays: dict[int, list[dict[str, Any]]] = {}
    for row in Announcement.objects.all():
        if row.ended_at is not None:
            row.until = min(row.until, row.ended_at) if row.until else row.ended_at
        overlays.setdefault(row.line_id, []).append(overlay_of(row))
    return {line.key: document_of(line, overlays.get(line.pk, [])) for line in Line.objects.all()}
