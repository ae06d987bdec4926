"""Incident mode: entered once from a preview, kept up to date, left without touching what is not its own."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from tickets import audit, changes, notices
from tickets.models import Notice, Problem
from triage import alerts
from triage.alerting import acknowledging
from triage.incidents import broadcast, frozen
from triage.incidents.preview import Choices, Effects, fresh_since, preview
from triage.models import Incident, Job, Preview, Update
from triage.status import export, subscribers
from voice import lines
from voice.models import Line

__all__ = ["Choices", "Refused", "enter", "leave", "post_update", "preview"]

log = logging.getLogger(__name__)


class Refused(Exception):
    """Cannot be done as things are; the message says why and what to do."""


def enter(token: str, by: Any) -> Incident:
    """Does what the preview showed, once: whoever confirms it again gets the same incident.

    Entering uses up every other preview as well, since each showed a world without this incident: a second manager
    who confirms at the same moment gets the incident of the first. Refused when the preview is unknown or too old.
    """
    shown = Preview.objects.filter(token=token).first()
    if shown is None:
        raise Refused("This confirmation is not known. Fill in the form and look at the preview again.")
    now = timezone.now()
    with transaction.atomic():
        unused = Preview.objects.filter(used_at=None, created_at__gt=fresh_since(now))
        list(unused.select_for_update().order_by("pk").values_list("pk", flat=True))
        if not unused.filter(pk=shown.pk).update(used_at=now):
            return _entered_already(shown)
        unused.update(used_at=now)
        return _enter(shown, by, now)


def _entered_already(shown: Preview) -> Incident:
    shown.refresh_from_db()
    if shown.used_at is None:
        raise Refused(
            f"This preview is from {timezone.localtime(shown.created_at):%H:%M}, more than 30 minutes ago. "
            "Look at the effects again, then confirm."
        )
    incident = (
        Incident.objects.filter(preview=shown).first() or Incident.objects.filter(entered_at=shown.used_at).first()
    )
    if incident is None:
        raise Refused("This preview was used up. Fill in the form and look at the preview again.")
    return incident


def _enter(shown: Preview, by: Any, now: datetime) -> Incident:
    effects: Effects = shown.effects
    minutes = effects["status"]["next_update_minutes"]
    incident = Incident.objects.create(
        problem=Problem.objects.create(title=effects["title"], opened_at=now),
        surge_id=effects["surge"],
        preview=shown,
        impact=effects["impact"],
        started_at=datetime.fromisoformat(effects["started_at"]),
        entered_at=now,
        entered_by=by,
        link_new=effects["link_new"],
        link_words=effects["words"],
        components={str(part["id"]): part["status"] for part in effects["status"]["components"]},
        next_update_by=now + timedelta(minutes=minutes) if minutes else None,
    )
    update = Update.objects.create(
        incident=incident, status=effects["status"]["status"], body=effects["status"]["body"], at=now, by=by
    )
    subscribers.tell(update, by)
    _announce(incident, effects, by)
    _show_notices(incident, effects["notice"], update, by)
    _make_jobs(incident, effects, update, shown.token, by)
    audit.record(by, "incident.enter", incident.pk, effects=effects)
    if incident.surge_id:
        # Whoever enters incident mode for a surge is on it: nobody else is woken.
        acknowledging.acknowledge_surge(incident.surge_id, by)
    _tell_the_house(incident, "entered")
    return incident


def _announce(incident: Incident, effects: Effects, by: Any) -> None:
    found = Line.objects.in_bulk([shown["id"] for shown in effects["lines"]])
    for shown in effects["lines"]:
        text = {said["language"]: said["text"] for said in shown["says"]}
        audio = {said["language"]: said["audio"] for said in shown["says"] if said["audio"]}
        if shown["id"] in found:
            lines.announce(
                [found[shown["id"]]],
                text,
                audio,
                problem=incident.problem,
                by=by,
                why=incident.problem.title[:300],
                known_since=incident.started_at,
                next_update_by=incident.next_update_by,
            )


def _show_notices(incident: Incident, text: Mapping[str, str], update: Update, by: Any) -> None:
    if text:
        for target in Notice.Target:
            notices.show(target, dict(text), incident.problem, by, about=update.about)


def _make_jobs(incident: Incident, effects: Effects, update: Update, token: str, by: Any) -> None:
    if not effects["link"]:
        return
    query = frozen.query_of(incident.started_at, effects["words"], incident.entered_at)
    link = frozen.make(
        Job.Kind.LINK, incident, by, {**query, "problem": incident.problem_id}, total=effects["link"]["tickets"]
    )
    if effects["answer"]:
        answer = effects["answer"]
        broadcast.make(
            incident,
            update,
            answer["subject"],
            answer["text"],
            by=by,
            key=token[:43],
            after=link,
            translations=answer["translations"],
        )


def post_update(
    incident: Incident,
    status: str,
    body: str,
    by: Any,
    next_update_by: datetime | None = None,
    *,
    translations: Mapping[str, str] | None = None,
    components: Mapping[str, str] | None = None,
) -> Update:
    """Posts what is new: on the status page, and as the notice on the form and in acknowledgements from now on.

    `translations` are the notice's words in other languages than the page's. Posted twice, it is one update.
    """
    now = timezone.now()
    with transaction.atomic():
        held = Incident.objects.select_for_update().select_related("problem").get(pk=incident.pk)
        if held.left_at is not None:
            raise Refused("Incident mode was left; there is nothing to update. Enter it anew if the problem is back.")
        newest = held.updates.first()
        if newest and (newest.status, newest.body) == (status, body):
            return newest
        update = Update.objects.create(incident=held, status=status, body=body, at=now, by=by)
        subscribers.tell(update, by)
        held.next_update_by = next_update_by
        if components is not None:
            held.components = {key: value for key, value in components.items() if value}
        held.save(update_fields=["next_update_by", "components"])
        lines.promise(held.problem, next_update_by)
        _show_notices(held, {"en": body, **(translations or {})}, update, by)
        audit.record(by, "incident.update", held.pk, update=update.pk, status=status, body=body)
        _tell_the_house(held, "")
    return update


def leave(incident: Incident, by: Any, closing_text: str) -> None:
    """Ends this incident's overlays and nothing else, and posts `closing_text` as "resolved". Twice is once."""
    now = timezone.now()
    with transaction.atomic():
        left = Incident.objects.filter(pk=incident.pk, left_at=None)
        if not left.update(left_at=now, left_by=by, link_new=False, next_update_by=None):
            return
        problem = incident.problem
        lines.clear(problem, by)
        notices.clear(problem)
        Problem.objects.filter(pk=problem.pk).update(open=False, closed_at=now)
        resolved = Update.Status.RESOLVED
        subscribers.tell(
            Update.objects.create(incident=incident, status=resolved, body=closing_text, at=now, by=by), by
        )
        audit.record(by, "incident.leave", incident.pk, closing=closing_text)
        _tell_the_house(incident, "left")
    incident.refresh_from_db()


def write_up(incident: Incident, body: str, by: Any) -> Update:
    """Posts what happened and why, once incident mode was left: on the status page and to its subscribers. The same
    words posted twice are one."""
    with transaction.atomic():
        held = Incident.objects.select_for_update().get(pk=incident.pk)
        if held.left_at is None:
            raise Refused("Incident mode is still on. Leave it first; the write-up comes after.")
        told = Update.Status.POSTMORTEM
        known = held.updates.filter(status=told, body=body).first()
        if known is not None:
            return known
        update = Update.objects.create(incident=held, status=told, body=body, at=timezone.now(), by=by)
        subscribers.tell(update, by)
        audit.record(by, "incident.write_up", held.pk, update=update.pk, body=body)
        _tell_the_house(held, "")
    return update


def _tell_the_house(incident: Incident, what: str) -> None:
    """After commit: pages look again, the status page is written at once, managers are told of coming and going."""
    changes.bump("incident", "lines", "tickets")
    export.refresh_after_commit()
    if what:
        title = incident.problem.title
        transaction.on_commit(
            lambda: alerts.notify(
                f"incident:{incident.pk}",
                f"Incident mode {what}: {title}",
                f"Incident mode was {what}: {title}",
                level="notice",
            ),
            robust=True,
        )
