"""Switching lines: an announcement is laid over them and taken away again; what was under it was never touched."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from tickets import audit, changes
from tickets.models import Problem
from voice.models import Announcement, Line
from voice.plan import PLAN, face


def announce(
    lines: Iterable[Line],
    text: Mapping[str, str],
    audio: Mapping[str, str] | None = None,
    *,
    problem: Problem | None = None,
    by: Any = None,
    why: str = "",
    until: datetime | None = None,
) -> list[Announcement]:
    """Makes `lines` say `text` (by language; `audio`: blob hashes) from the next call on.

    In the caller's transaction.
    """
    since = timezone.now()
    made = [
        Announcement.objects.create(
            line=line,
            text=dict(text),
            audio=dict(audio or {}),
            problem=problem,
            by=by,
            why=why[:300],
            since=since,
            until=until,
        )
        for line in lines
    ]
    for announcement in made:
        audit.record(by, "lines.announce", announcement.line.key, announcement=announcement.pk, why=why)
    _changed()
    return made


def clear(problem: Problem, by: Any = None) -> int:
    """Ends the announcements of this problem and no others."""
    return _end(Announcement.objects.filter(problem=problem), by, "the incident is over")


def clear_lines(lines: Iterable[Line], by: Any = None, why: str = "") -> int:
    """Ends all that these lines announce."""
    return _end(Announcement.objects.filter(line__in=list(lines)), by, why)


def show() -> list[dict[str, Any]]:
    """Every line with the face it shows now: key, name, number, kind, since, text, problem."""
    now = timezone.now()
    shown = []
    for line in PLAN.refresh()["lines"].values():
        found = face(line, now)
        since = max((overlay["since"] for overlay in line["overlays"]), default=None)
        shown.append(
            {
                "key": line["key"],
                "name": line["name"],
                "number": line["number"],
                "face": found.kind,
                "since": since if found.kind == "incident" else None,
                "text": dict(found.text),
                "problem": found.problem,
            }
        )
    return shown


def _end(announcements: Any, by: Any, why: str) -> int:
    now = timezone.now()
    with transaction.atomic():
        open_ = list(announcements.filter(ended_at__isnull=True).select_related("line"))
        announcements.model.objects.filter(pk__in=[row.pk for row in open_]).update(ended_at=now)
        for row in open_:
            audit.record(by, "lines.clear", row.line.key, announcement=row.pk, why=why)
        _changed()
    return len(open_)


def _changed() -> None:
    # This process answers with the new plan at once; the others within a second.
    transaction.on_commit(PLAN.refresh, robust=True)
    changes.bump("lines")
