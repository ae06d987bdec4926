"""Those who heard an incident's message and asked for nothing: contacts by number, and a text for them if wanted."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, Exists, Max, OuterRef, Value, When
from django.urls import reverse
from django.utils import timezone

from tickets import audit
from tickets.models import Identity, Problem, Told
from voice import texts
from voice.models import Call, TextMessage
from voice.numbers import may_text
from voice.segments import segments
from voice.words import sentence

# What a caller asked for and gets an answer to: who has none of these on any call has only listened.
ASKED = ("callback", "voicemail", "agent", "text", "dial_in")
# How far a call gets, in order.
STEPS = ("", "answer", "dialled", "menu", "number", "confirm", "recording")
_FURTHEST = Case(*(When(step=step, then=Value(place)) for place, step in enumerate(STEPS)), default=0)
# Numbers in one transaction.
CHUNK = 250


def of(problem: Problem | int) -> Any:
    """Rows (dicts) by number that only listened: caller, calls, last (when), reached (place in STEPS), spoken, line"""
    calls = Call.objects.filter(problem=problem, simulated=False).exclude(caller="")
    asked = calls.filter(caller=OuterRef("caller"), choice__in=ASKED)
    only = calls.filter(~Exists(asked)).order_by().values("caller")
    return only.annotate(
        calls=Count("pk"),
        last=Max("started_at"),
        reached=Max(_FURTHEST),
        spoken=Max("language"),
        line=Max("line__number"),
    ).order_by("-last", "caller")


def count(problem: Problem | int) -> int:
    return of(problem).count()


def withheld(problem: Problem | int) -> int:
    """Calls of people who withheld their number and only listened: nobody can tell how many people that is."""
    return Call.objects.filter(problem=problem, simulated=False, caller="").exclude(choice__in=ASKED).count()


def audience(problem: Problem, about: str) -> tuple[int, int]:
    """How many of them a text would reach who have not heard `about`, and how many minutes it takes."""
    rows = list(of(problem).values_list("caller", "spoken"))
    heard = _heard([number for number, _ in rows], about)
    reached = [
        language
        for number, language in rows
        if number not in heard and may_text(number, settings.CALL_COUNTRIES) is None
    ]
    parts = {language: segments(_words(problem, language)) for language in set(reached)}
    return len(reached), texts.minutes_for(sum(parts[language] for language in reached))


def tell(problem: Problem, about: str, by: Any) -> int:
    """Texts each of them once that the problem is over; who heard `about` by another way is left out.

    In transactions of CHUNK numbers, to be called outside of any. Done twice, it goes on where it stopped.
    """
    rows = list(of(problem).values_list("caller", "spoken", "line"))
    queued = sum(_tell(problem, about, rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))
    audit.record(by, "listeners.tell", problem.pk, texts=queued)
    return queued


def _tell(problem: Problem, about: str, rows: Sequence[tuple[str, str, str]]) -> int:
    people = _people([number for number, _, _ in rows])
    heard = _heard(list(people), about)
    drafts = [
        TextMessage(
            to=number,
            sender=line,
            body=_words(problem, language)[:1600],
            problem=problem,
            group=group_of(problem),
            once=f"closing:{problem.pk}:{number}",
            due_at=timezone.now(),
        )
        for number, language, line in rows
        if line and number not in heard
    ]
    # Whoever we know hears it once by whatever way: the ledger is told as well.
    told = [Told(requester_id=people[row.to], about=about) for row in drafts if row.to in people]
    Told.objects.bulk_create(told, ignore_conflicts=True)
    return texts.queue_many(drafts)


def group_of(problem: Problem) -> str:
    """The texts of one closing message."""
    return f"closing:{problem.pk}"


def _people(numbers: Sequence[str]) -> dict[str, int]:
    known = Identity.objects.filter(kind=Identity.Kind.PHONE, value__in=numbers)
    return dict(known.values_list("value", "requester_id"))


def _heard(numbers: Sequence[str], about: str) -> set[str]:
    heard: set[str] = set()
    for start in range(0, len(numbers), CHUNK):
        part = numbers[start : start + CHUNK]
        rows = Identity.objects.filter(kind=Identity.Kind.PHONE, value__in=part, requester__told__about=about)
        heard |= set(rows.values_list("value", flat=True))
    return heard


def _words(problem: Problem, language: str) -> str:
    url = settings.PUBLIC_URL + reverse("status")
    return sentence("closing_text", language or "en", problem=problem.title, url=url)
