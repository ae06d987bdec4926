"""Switching lines: an announcement is laid over them and taken away again; what was under it was never touched."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tickets import audit, changes
from tickets.models import Problem
from voice.models import Announcement, Line
from voice.plan import PLAN, face, overlay_in_force

# While something is announced, managers are asked so often whether it shall stay.
REMIND_EVERY = timedelta(hours=4)


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
    languages: Sequence[str],
    playbook: Mapping[str, str],
    audio: Mapping[str, str],
    typed: Mapping[str, str],
    recorded: Mapping[str, str] | None = None,
) -> list[dict[str, str]]:
    """What a line will say, in its order of languages. Typed words win over the line's playbook.

    The line's own recording (`audio`) belongs to the playbook's words: it is played only where those are what is said.
    One that was made for this announcement (`recorded`) belongs to the words typed with it, and wins.
    """
    spoken = []
    for language in languages:
        text = typed.get(language, "").strip() or playbook.get(language, "").strip()
        own = text == playbook.get(language, "").strip()
        sound = (recorded or {}).get(language) or (audio.get(language, "") if own else "")
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


def keep(
    line: Line, by: Any, changed: Mapping[str, Any], action: str = "line.edit", *, agents: Sequence[int] | None = None
) -> Line:
    """Saves a line that is new or was edited, and whom it rings (`agents`, ids) where that is given.

    `changed`, for the audit trail: what it was and what it is, by field.
    """
    with transaction.atomic():
        line.save()
        if agents is not None:
            line.agents.set(agents)
        audit.record(by, action, line.key, **changed)
        _changed()
    return line


def chosen(keys: Sequence[str], groups: Sequence[str]) -> list[Line]:
    """The active lines with these keys or in these groups; all of them where neither is given. LookupError names what
    there is not."""
    active = list(Line.objects.filter(active=True))
    known = {line.key for line in active}, {line.group for line in active if line.group}
    for wanted, there, noun in ((keys, known[0], "line"), (groups, known[1], "group")):
        if unknown := sorted(set(wanted) - there):
            raise LookupError(f"No such {noun}: {', '.join(unknown)}. There are: {', '.join(sorted(there)) or 'none'}.")
    if not keys and not groups:
        return active
    return [line for line in active if line.key in keys or line.group in groups]


def says_already(line: Line, text: Mapping[str, str], audio: Mapping[str, str]) -> bool:
    """Whether a line announces exactly this at this moment."""
    newest = line.announcements.in_force(timezone.now()).first()  # type: ignore[attr-defined]
    return newest is not None and (newest.text, newest.audio) == (dict(text), dict(audio))


def take_reminders(now: datetime) -> list[Announcement]:
    """Announcements in force that managers are to be asked about; each is taken once for every REMIND_EVERY."""
    before = now - REMIND_EVERY
    forgotten = Q(reminded_at__isnull=True, since__lte=before) | Q(reminded_at__lte=before)
    rows = Announcement.objects.in_force(now).filter(forgotten, line__active=True).select_related("line")
    return [
        row
        for row in rows.order_by("since", "pk")
        if Announcement.objects.filter(pk=row.pk, reminded_at=row.reminded_at).update(reminded_at=now)
    ]


def show() -> list[dict[str, Any]]:
    """Every line with the face it shows now: key, name, number, group, face, since, until, text, audio, problem."""
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
                "group": line["group"],
                "face": found.kind,
                "since": overlay["since"] if overlay else None,
                "until": overlay["until"] if overlay else None,
                "text": dict(found.text),
                "audio": dict(found.audio),
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
