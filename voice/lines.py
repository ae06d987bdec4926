"""Switching lines: an announcement is laid over them and taken away again; what was under it was never touched."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from tickets import audit, changes
from tickets.models import Problem
from voice.models import Announcement, Line
from voice.plan import PLAN, face, overlay_in_force


def announce(
    lines: Iterable[Line],
    text: Mapping[str, str],
    audio: Mapping[str, str] | None = None,
    *,
    problem: Problem | None = None,
    by: Any = None,
    why: str = "",
    until: datetime | None = None,
    known_since: datetime | None = None,
    next_update_by: datetime | None = None,
) -> list[Announcement]:
    """Makes `lines` say `text` (by language; `audio`: blob hashes) from the next call on.

    After it callers hear since when it is known and until when we promise to say more, where that is given.
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
            known_since=known_since,
            next_update_by=next_update_by,
        )
        for line in lines
    ]
    for announcement in made:
        audit.record(by, "lines.announce", announcement.line.key, announcement=announcement.pk, why=why)
    _changed()
    return made


def says(
    languages: Sequence[str], playbook: Mapping[str, str], audio: Mapping[str, str], typed: Mapping[str, str]
) -> list[dict[str, str]]:
    """What a line will say, in its order of languages. Typed words win over the line's playbook.

    A recording belongs to the playbook's words: it is played only where those are what is said.
    """
    spoken = []
    for language in languages:
        text = typed.get(language, "").strip() or playbook.get(language, "").strip()
        own = text == playbook.get(language, "").strip()
        sound = audio.get(language, "") if own else ""
        if text or sound:
            spoken.append({"language": language, "text": text, "audio": sound})
    return spoken


def promise(problem: Problem, next_update_by: datetime | None) -> None:
    """What callers are told from now on about when this problem's next update comes. In the caller's transaction."""
    Announcement.objects.filter(problem=problem, ended_at__isnull=True).update(next_update_by=next_update_by)
    _changed()


def clear(problem: Problem, by: Any = None) -> int:
    """Ends the announcements of this problem and no others."""
    return _end(Announcement.objects.filter(problem=problem), by, "the incident is over")


def clear_lines(lines: Iterable[Line], by: Any = None, why: str = "") -> int:
    """Ends all that these lines announce."""
    return _end(Announcement.objects.filter(line__in=list(lines)), by, why)


def end(announcements: Iterable[int], by: Any = None, why: str = "") -> int:
    """Ends these announcements (ids) where they are not over yet; what lies under them is heard again."""
    return _end(Announcement.objects.filter(pk__in=list(announcements)), by, why)


def keep(line: Line, by: Any, changed: Mapping[str, Any], action: str = "line.edit") -> Line:
    """Saves a line that is new or was edited. `changed`, for the audit trail: what it was and what it is, by field."""
    with transaction.atomic():
        line.save()
        audit.record(by, action, line.key, **changed)
        _changed()
    return line


def show() -> list[dict[str, Any]]:
    """Every line with the face it shows now: key, name, number, kind, since, text, problem."""
    now = timezone.now()
    shown = []
    for line in PLAN.refresh()["lines"].values():
        found = face(line, now)
        overlay = overlay_in_force(line["overlays"], now)
        shown.append(
            {
                "key": line["key"],
                "name": line["name"],
                "number": line["number"],
                "face": found.kind,
                "since": overlay["since"] if overlay else None,
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
