"""What incident mode will do: every effect worked out, shown and kept before anybody confirms it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from tickets.models import Medium, Ticket
from triage.incidents import broadcast, frozen, linking
from triage.incidents.words import reply_text
from triage.models import Component, Incident, Preview, Update
from triage.status import subscribers
from triage.surge import about
from voice import sounds
from voice.hearing import after_words
from voice.lines import says
from voice.models import Line

# A preview older than this shows a world that has moved on.
LIFETIME = timedelta(minutes=30)

Effects = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a manager asks for. Words are maps by BCP 47 language, as are the hashes of the recordings (`recorded`);
    `components` maps ids (as text) to a status."""

    title: str
    started_at: datetime
    update: str
    lines: Sequence[int] = ()
    announcement: Mapping[str, str] = field(default_factory=dict)
    recorded: Mapping[str, str] = field(default_factory=dict)
    notice: Mapping[str, str] = field(default_factory=dict)
    status: str = Update.Status.INVESTIGATING
    impact: str = Incident.Impact.MAJOR
    components: Mapping[str, str] = field(default_factory=dict)
    next_update_minutes: int = 30
    link: bool = True
    words: Sequence[str] = ()
    link_new: bool = True
    answer: bool = True
    reply: str = ""
    surge: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "started_at": self.started_at.isoformat(), "lines": list(self.lines)}


def preview(choices: Choices, by: Any) -> Preview:
    """Keeps what will happen under a token that can be used once."""
    return Preview.objects.create(
        token=secrets.token_urlsafe(32), by=by, choices=choices.as_json(), effects=effects_of(choices)
    )


def effects_of(choices: Choices) -> Effects:
    """Every effect of `choices`, as JSON: this is what the page shows and what entering applies."""
    return {
        "title": choices.title,
        "impact": choices.impact,
        "started_at": choices.started_at.isoformat(),
        "lines": [_line(line, choices) for line in Line.objects.filter(pk__in=choices.lines, active=True)],
        "notice": {language: text for language, text in choices.notice.items() if text},
        "status": {
            "status": choices.status,
            "body": choices.update,
            "next_update_minutes": choices.next_update_minutes,
            "components": _components(choices.components),
            "subscribers": subscribers.subscribed().count(),
        },
        "link": _link(choices) if choices.link else None,
        "answer": _answer(choices) if choices.link and choices.answer else None,
        "link_new": choices.link_new,
        "words": list(choices.words),
        "surge": choices.surge,
    }


def _line(line: Line, choices: Choices) -> dict[str, Any]:
    own = sounds.present(line.incident_audio)
    spoken = says(line.languages, line.incident_text, own, choices.announcement, choices.recorded)
    minutes = choices.next_update_minutes
    next_update = timezone.now() + timedelta(minutes=minutes) if minutes else None
    then = after_words(line, spoken, known_since=choices.started_at, next_update=next_update)
    return {
        "id": line.pk,
        "name": line.name,
        "number": line.number,
        "says": [{**said, "then": then[said["language"]], "advice": sounds.advice(said["audio"])} for said in spoken],
    }


def _components(wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"id": component.pk, "name": component.name, "status": wanted[str(component.pk)]}
        for component in Component.objects.filter(pk__in=list(wanted))
        if wanted[str(component.pk)]
    ]


def _matching_now(choices: Choices) -> QuerySet[Ticket]:
    return linking.matching(frozen.query_of(choices.started_at, choices.words, timezone.now()))


def _link(choices: Choices) -> dict[str, Any]:
    """How many tickets are linked; with words, of how many, and how many people of ordinary weeks write them."""
    found = {"tickets": _matching_now(choices).count()}
    if not choices.words:
        return found
    since = linking.matching(frozen.query_of(choices.started_at, (), timezone.now()))
    ordinary, looked_at = about.reach(choices.words, choices.started_at)
    share = about.percent(ordinary / looked_at) if looked_at else ""
    calls = since.filter(medium=Medium.PHONE).count()
    return {**found, "of": since.count(), "calls": calls, "ordinary": ordinary, "looked_at": looked_at, "share": share}


def _answer(choices: Choices) -> dict[str, Any]:
    found = _matching_now(choices).filter(simulated=False)
    return {
        **broadcast.people_of(found),
        "subject": choices.title,
        "text": choices.reply or reply_text(choices.update),
        # Where somebody writes the mail by hand, everybody reads that.
        "translations": {} if choices.reply else _in_other_words(choices.notice),
    }


def _in_other_words(notice: Mapping[str, str]) -> dict[str, str]:
    """The mail in the other languages that have the notice, and the words around it."""
    said = {
        tag: reply_text(text, language=tag) for tag, text in notice.items() if tag != settings.LANGUAGE_CODE and text
    }
    return {tag.lower(): text for tag, text in said.items() if text}


def fresh_since(now: datetime | None = None) -> datetime:
    """Previews made before this may no longer be confirmed."""
    return (now or timezone.now()) - LIFETIME
