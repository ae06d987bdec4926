"""What people write about, by words that managers named: set when a message is understood, looked up for earlier ones.

A topic's words stay as they were when it was made, since its past was counted by them: other words are another topic.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.text import slugify

from tickets import audit, changes, mentions
from tickets.models import Arrival, Entry, Topic
from tickets.receiving import Received

# How far back a new topic is counted, and entries looked through in one transaction and in one go.
BACK, CHUNK, CHUNKS = timedelta(weeks=8), 500, 10
# Words of a topic, and topics at once: each is looked for in every message.
MOST_WORDS, MOST_TOPICS = 30, 100

Patterns = Mapping[int, re.Pattern[str]]


def pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words or phrases, found as `mentions` finds them everywhere, in text that is `_plain`."""
    return re.compile(mentions.pattern([_plain(word) for word in words]) or "(?!)")


def matching(text: str, patterns: Patterns) -> set[int]:
    """Pure: which of the topics a text is about."""
    plain = _plain(text)
    return {pk for pk, found in patterns.items() if found.search(plain)}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


# ── as messages are understood ───────────────────────────────────────────────────────────────────────────────────────


def mark(received: Sequence[Received]) -> None:
    """Notes what new messages are about, in the transaction that receives them: one query where there is no topic."""
    patterns = _patterns()
    if patterns:
        texts = [(one.entry.arrival_id, f"{one.message.subject}\n{one.entry.visible}") for one in received]
        _note({arrival: text for arrival, text in texts if arrival is not None}, patterns)


def mark_again(entry: Entry, subject: str) -> None:
    """Notes anew what a message is about that was read again."""
    if entry.arrival_id is not None:
        Topic.arrivals.through.objects.filter(arrival_id=entry.arrival_id).delete()
        _note({entry.arrival_id: f"{subject}\n{entry.visible}"}, _patterns())
        Arrival.objects.filter(pk=entry.arrival_id).update(counted=False)


def _patterns() -> Patterns:
    return {topic.pk: pattern(topic.words) for topic in Topic.objects.filter(retired_at=None)}


def _note(texts: Mapping[int, str], patterns: Patterns) -> list[int]:
    """Returns the arrivals that are about something."""
    link = Topic.arrivals.through
    found = [
        link(topic_id=topic, arrival_id=arrival)
        for arrival, text in texts.items()
        for topic in sorted(matching(text, patterns))
    ]
    link.objects.bulk_create(found, ignore_conflicts=True, batch_size=500)
    return sorted({one.arrival_id for one in found})


# ── kept by managers ─────────────────────────────────────────────────────────────────────────────────────────────────


def add(name: str, words: Sequence[str], by: User) -> Topic:
    """Adds a topic; what came in the last weeks is looked through by and by."""
    entries = Entry.objects.filter(happened_at__gte=timezone.now() - BACK, arrival__isnull=False)
    ids = entries.aggregate(first=Min("pk"), last=Max("pk"))
    first, last = ids["first"] or 0, ids["last"] or 0
    with transaction.atomic():
        topic = Topic.objects.create(
            key=_free_key(name),
            name=name,
            words=list(words),
            created_by=by,
            reading_from=first,
            reading_at=max(first - 1, 0),
            reading_to=last,
        )
        audit.record(by, "topic.add", topic, words=list(words))
    changes.bump("topics")
    return topic


def rename(topic: Topic, name: str, by: User) -> None:
    """Changes how it is called; its series keeps its key."""
    with transaction.atomic():
        Topic.objects.filter(pk=topic.pk).update(name=name)
        audit.record(by, "topic.rename", topic, name=name, was=topic.name)
    changes.bump("topics")


def retire(topic: Topic, by: User) -> None:
    """Looks for it no longer. What was counted stays."""
    with transaction.atomic():
        if Topic.objects.filter(pk=topic.pk, retired_at=None).update(retired_at=timezone.now()):
            audit.record(by, "topic.retire", topic)
    changes.bump("topics")


def coverage(words: Sequence[str], newest: int = 2000) -> tuple[int, int]:
    """Of the newest messages of the last week, how many are about it, and how many there were."""
    rows = Entry.objects.filter(happened_at__gte=timezone.now() - timedelta(days=7), arrival__isnull=False)
    texts = list(rows.order_by("-pk").values_list("ticket__subject", "visible")[:newest])
    wanted = {0: pattern(words)}
    return sum(1 for subject, text in texts if matching(f"{subject}\n{text}", wanted)), len(texts)


def _free_key(name: str) -> str:
    stem = slugify(name)[:50] or "topic"
    taken = set(Topic.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return next(key for key in _numbered(stem) if key not in taken)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


# ── what came before ─────────────────────────────────────────────────────────────────────────────────────────────────


def look_back() -> int:
    """Looks through earlier entries for new topics, a bounded part of them. Returns how many it looked through."""
    seen = 0
    for topic in unfinished():
        for _ in range(CHUNKS):
            found = _look_back_chunk(topic.pk)
            seen += found
            if found < CHUNK:
                break
    if seen:
        changes.bump("topics")
    return seen


def unfinished() -> list[Topic]:
    """Topics whose past is not looked through yet."""
    return [topic for topic in Topic.objects.filter(retired_at=None) if topic.reading_at < topic.reading_to]


def progress(topic: Topic) -> float:
    """The share of its past that was looked through, 0 to 1."""
    span = topic.reading_to - topic.reading_from + 1
    return 1.0 if topic.reading_to <= topic.reading_at else (topic.reading_at - topic.reading_from + 1) / span


@transaction.atomic
def _look_back_chunk(pk: int) -> int:
    """One chunk and the cursor behind it: killed anywhere, it is done wholly or not at all."""
    topic = Topic.objects.select_for_update().get(pk=pk)
    rows = Entry.objects.filter(pk__gt=topic.reading_at, pk__lte=topic.reading_to, arrival__isnull=False)
    some = list(rows.order_by("pk").values_list("pk", "arrival_id", "ticket__subject", "visible")[:CHUNK])
    texts = {arrival: f"{subject}\n{text}" for _, arrival, subject, text in some if arrival is not None}
    about = _note(texts, {topic.pk: pattern(topic.words)})
    # Their minutes are counted anew, now with the topic.
    Arrival.objects.filter(pk__in=about).update(counted=False)
    at = some[-1][0] if len(some) == CHUNK else topic.reading_to
    Topic.objects.filter(pk=pk).update(reading_at=at)
    return len(some)
