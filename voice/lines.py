"""What lines announce: overlays laid over their everyday faces, and taken away again by their problem."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from tickets import audit, changes
from tickets.models import Problem
from voice.models import Announcement, Line


def announce(
    lines: Iterable[Line],
    text: Mapping[str, str],
    audio: Mapping[str, str],
    *,
    problem: Problem | None,
    by: Any,
    why: str = "",
    until: datetime | None = None,
) -> list[Announcement]:
    """Lays an announcement over each line, in the caller's transaction. Words and audio are maps by language."""
    now = timezone.now()
    made = [
        Announcement.objects.create(
            line=line,
            text=dict(text),
            audio=dict(audio),
            problem=problem,
            by=by,
            why=why[:300],
            since=now,
            until=until,
        )
        for line in lines
    ]
    audit.record(by, "lines.announce", problem or "", lines=[row.line_id for row in made], text=dict(text))
    changes.bump("lines")
    return made


def clear(problem: Problem) -> int:
    """Ends the announcements of this problem and no others; what was under them is heard again."""
    ended = Announcement.objects.filter(problem=problem, ended_at=None).update(ended_at=timezone.now())
    changes.bump("lines")
    return ended
