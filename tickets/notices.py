"""Notices in force on the public form and in acknowledgements: overlays, asked for from memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tickets import audit, changes
from tickets.keeper import Keeper
from tickets.mail.words import languages_of
from tickets.models import Notice, Problem


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as somebody reads it. `about` is what reading it tells, `problem` the id of what it belongs to."""

    text: str
    language: str
    problem: int | None
    about: str
    since: datetime


def show(
    target: str,
    text_by_language: Mapping[str, str],
    problem: Problem | None,
    by: User | None,
    until: datetime | None = None,
    about: str = "",
    why: str = "",
) -> Notice:
    """Lays a notice over a target (`Notice.Target`), in the caller's transaction."""
    notice = Notice.objects.create(
        target=target,
        text=dict(text_by_language),
        problem=problem,
        by=by,
        since=timezone.now(),
        until=until,
        about=about,
        why=why,
    )
    audit.record(by, "notice.show", notice.pk, laid_over=target)
    _changed()
    return notice


def clear(problem: Problem) -> int:
    """Ends the notices of this problem and no others; what was under them shows again."""
    ended = Notice.objects.filter(problem=problem, ended_at__isnull=True).update(ended_at=timezone.now())
    _changed()
    return ended


def current(target: str, language: str, now: datetime | None = None) -> Shown | None:
    """The notice in force as front processes know it: from the keeper's document, no database."""
    return choose(NOTICES.current().get("notices", []), target, language, now or timezone.now())


def in_force(target: str, language: str) -> Shown | None:
    """The notice in force as the database has it, for those who are in a transaction anyway."""
    return choose(rows_in_force(timezone.now()), target, language, timezone.now())


def choose(notices: list[dict[str, Any]], target: str, language: str, now: datetime) -> Shown | None:
    """Pure: the newest notice of a target that is in force at `now`, in the nearest language it has words in."""
    in_force = [
        notice
        for notice in notices
        if notice["target"] == target
        and datetime.fromisoformat(notice["since"]) <= now
        and (notice["until"] is None or datetime.fromisoformat(notice["until"]) > now)
        and any(notice["text"].values())
    ]
    if not in_force:
        return None
    newest = max(in_force, key=lambda notice: (datetime.fromisoformat(notice["since"]), notice["id"]))
    words = {tag.lower(): text for tag, text in newest["text"].items() if text}
    tag = next((tag for tag in languages_of(language) if tag in words), next(iter(words)))
    since = datetime.fromisoformat(newest["since"])
    return Shown(words[tag], tag, newest["problem"], newest["about"], since)


def rows_in_force(now: datetime) -> list[dict[str, Any]]:
    """Every notice that is not over, as `choose` takes them."""
    rows = Notice.objects.filter(ended_at__isnull=True).exclude(until__lte=now).order_by("-since", "-pk")
    return [
        {
            "id": row.pk,
            "target": row.target,
            "text": row.text,
            "problem": row.problem_id,
            "about": row.about,
            "since": row.since.isoformat(),
            "until": row.until.isoformat() if row.until else None,
        }
        for row in rows
    ]


def _compile() -> dict[str, Any]:
    return {"notices": rows_in_force(timezone.now())}


def _changed() -> None:
    transaction.on_commit(NOTICES.refresh, robust=True)
    changes.bump("notices")


NOTICES = Keeper("notices", _compile)
