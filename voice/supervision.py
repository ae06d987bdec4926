"""What managers do with callbacks: pause them, cancel many and text the news instead, hand them over, let go."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils import timezone

from tickets import audit, changes
from tickets.models import Entry, Problem
from voice import texts
from voice.callbacks import WAITING, State, paused
from voice.models import Callback, CallbackPause, TextMessage
from voice.words import sentence

# Callbacks cancelled in one transaction.
CHUNK = 250


def pause(by: Any, why: str = "", until: datetime | None = None) -> bool:
    """From now on nobody is offered a callback, and none is dialled; False if that is so already."""
    with transaction.atomic():
        if paused() is not None:
            return False
        CallbackPause.objects.create(since=timezone.now(), until=until, by=by, why=why[:300])
        audit.record(by, "callbacks.pause", "", why=why, until=until.isoformat() if until else None)
    changes.bump("callbacks")
    return True


def resume(by: Any) -> bool:
    """Goes on; False if nothing was paused."""
    with transaction.atomic():
        ended = CallbackPause.objects.in_force(timezone.now()).update(ended_at=timezone.now())
        if ended:
            audit.record(by, "callbacks.resume", "")
    changes.bump("callbacks")
    return bool(ended)


def release(ids: Sequence[int], by: Any) -> int:
    """Offers callbacks to agents that were held back for looking like fraud. Returns how many."""
    with transaction.atomic():
        held = Callback.objects.filter(pk__in=ids, state__in=WAITING).exclude(held="")
        found = list(held.values_list("pk", flat=True))
        held.update(held="")
        for pk in found:
            audit.record(by, "callback.release", pk)
    changes.bump("callbacks")
    return len(found)


def reassign(callback: Callback, to: Any, by: Any) -> bool:
    """Gives a waiting callback to a colleague (`to` None: to nobody); False when it waits no more."""
    with transaction.atomic():
        waiting = Callback.objects.filter(pk=callback.pk, state__in=WAITING)
        if not waiting.update(agent=to, claimed_at=timezone.now() if to else None):
            return False
        audit.record(by, "callback.reassign", callback.pk, to=to.pk if to else None)
    changes.bump("callbacks", f"ticket:{callback.ticket_id}")
    return True


def waiting_for(problem: Problem) -> QuerySet[Callback]:
    """Callbacks of an incident that nobody is calling at this moment."""
    return Callback.objects.filter(problem=problem, state__in=WAITING)


def cancel_all(problem: Problem, by: Any, why: str, *, text: bool) -> tuple[int, int]:
    """Cancels every waiting callback of an incident, and with `text` texts each of them that it is over.

    Returns how many were cancelled and how many texts were queued. Run twice it goes on where it stopped.
    """
    cancelled = texted = 0
    while True:
        with transaction.atomic():
            rows = list(waiting_for(problem).select_for_update(of=("self",)).select_related("line", "ticket")[:CHUNK])
            if not rows:
                break
            _cancel(rows, by, why)
            texted += texts.queue_many([draft for row in rows if (draft := _news(row, problem))]) if text else 0
        cancelled += len(rows)
    audit.record(by, "callbacks.cancel_all", problem.pk, why=why, cancelled=cancelled, texts=texted)
    return cancelled, texted


def _cancel(rows: Sequence[Callback], by: Any, why: str) -> None:
    now = timezone.now()
    Callback.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.CANCELLED, note=why, done_at=now)
    words = f"The callback was cancelled.\n\n{why}".strip()
    Entry.objects.bulk_create(
        [
            Entry(
                ticket_id=row.ticket_id,
                kind=Entry.Kind.CALL,
                author=by,
                text=words,
                visible=words,
                payload={"callback": row.pk},
                happened_at=now,
            )
            for row in rows
        ],
        batch_size=200,
    )
    changes.bump("callbacks", "tickets")


def _news(row: Callback, problem: Problem) -> TextMessage | None:
    if row.line is None or row.simulated:
        return None
    language = row.ticket.language or (row.line.languages or ["en"])[0]
    url = settings.PUBLIC_URL + reverse("status")
    return TextMessage(
        to=row.number,
        sender=row.line.number,
        body=sentence("instead_of_callback", language, problem=problem.title, url=url)[:1600],
        ticket=row.ticket,
        problem=problem,
        group=f"callbacks:{problem.pk}",
        once=f"instead:{row.pk}",
        due_at=timezone.now(),
    )


def by_incident() -> list[dict[str, Any]]:
    """How many callbacks wait, by incident (title, pk), the most first."""
    rows = Callback.objects.filter(state__in=WAITING, problem__isnull=False).values("problem", "problem__title")
    return [dict(row) for row in rows.annotate(n=Count("pk")).order_by("-n")[:20]]


def blocks(now: datetime) -> list[dict[str, Any]]:
    """Blocks of numbers with the most links texted and callbacks noted in the last hour, beside their caps."""
    since = now - timedelta(hours=1)
    sent = TextMessage.objects.filter(group="", problem__isnull=False, created_at__gte=since)
    noted = Callback.objects.filter(requested_at__gte=since, simulated=False)
    count = {
        "texts": Counter(number[: -texts.PREFIX_DIGITS] for number in sent.values_list("to", flat=True)),
        "callbacks": Counter(number[: -texts.PREFIX_DIGITS] for number in noted.values_list("number", flat=True)),
    }
    busiest = sorted({*count["texts"], *count["callbacks"]}, key=lambda one: -sum(by[one] for by in count.values()))
    return [
        {
            "block": block,
            "texts": count["texts"][block],
            "callbacks": count["callbacks"][block],
            "capped": count["texts"][block] >= settings.TEXTS_PER_PREFIX
            or count["callbacks"][block] >= settings.CALLBACKS_PER_PREFIX,
        }
        for block in busiest[:10]
    ]
