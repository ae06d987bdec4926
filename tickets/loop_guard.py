"""Caps on our own automatic mail, so that two robots fall silent. What comes in is never touched; each says why."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from tickets.mail import compose, senders, tokens
from tickets.mail.freemail import is_freemail
from tickets.message import InboundMessage
from tickets.models import Entry, Outgoing, Restraint, Ticket

# Acknowledgements within an hour: to one domain for the same words, and to one domain that has most of them all.
SAME_WORDS, OF_DOMAIN, SHARE = 2, 25, 0.5
# Times that one ticket is opened again by mail within a day.
REOPENINGS = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HELD = "held"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when an acknowledgement is about to be queued. Numbers are of this hour, this one not included."""

    answers_ours: bool = False
    lately: bool = False
    freemail: bool = False
    same_words: int = 0
    of_domain: int = 0
    of_all: int = 0


def verdict(facts: Facts) -> str:
    """Pure: why no acknowledgement goes out; empty if one does."""
    if facts.answers_ours:
        return "it answers an automatic mail of ours"
    if facts.lately:
        return "this address had one within the hour"
    if facts.freemail:
        # In a flood thousands of people at one provider write the same few words.
        return ""
    if facts.same_words >= SAME_WORDS:
        return "several addresses of this domain wrote the same words within the hour"
    if facts.of_domain >= OF_DOMAIN and facts.of_domain > SHARE * facts.of_all:
        return "most acknowledgements of this hour went to this domain"
    return ""


class Hour:
    """What this hour's counts say of many messages, and what is added to them as acknowledgements are queued."""

    def __init__(self, messages: Sequence[InboundMessage]) -> None:
        keys = {key for message in messages for key in _keys(message)}
        self._counts = _counts(keys) if keys else {}
        self._added: dict[str, int] = defaultdict(int)
        self._answering = _answering(messages)
        # Acknowledgements of the last hour, counted when first asked for; and those queued since.
        self._before: int | None = None
        self._queued = 0
        self._most = OF_DOMAIN + len(messages) + max(self._counts.values(), default=0)

    def facts_about(self, message: InboundMessage, *, lately: bool) -> Facts:
        """The facts about a message that has opened a ticket."""
        domain, words = [self._count_of(key) for key in _keys(message)] or (0, 0)
        return Facts(
            answers_ours=_quotes_ours(message, self._answering),
            lately=lately,
            freemail=is_freemail(_domain(message.sender)),
            same_words=words,
            of_domain=domain,
            of_all=self._of_all() if domain >= OF_DOMAIN else 0,
        )

    def add(self, message: InboundMessage) -> None:
        """Counts an acknowledgement against its domain and its words."""
        self._queued += 1
        for key in _keys(message):
            self._added[key] += 1

    def save(self) -> None:
        """Adds what was counted, in the order of the keys, so that two who do so at once wait and do not lock up."""
        if not self._added:
            return
        hour = _this_hour()
        new = sorted(self._added.keys() - self._counts.keys())
        Restraint.objects.bulk_create([Restraint(key=key, hour=hour, count=0) for key in new], ignore_conflicts=True)
        rows = Restraint.objects.filter(hour=hour, key__in=self._added)
        if connection.features.has_select_for_update:
            list(rows.order_by("key").select_for_update().values_list("pk"))
        for count in sorted(set(self._added.values())):
            alike = [key for key, added in self._added.items() if added == count]
            rows.filter(key__in=alike).update(count=F("count") + count)

    def _count_of(self, key: str) -> int:
        return self._counts.get(key, 0) + self._added[key]

    def _of_all(self) -> int:
        """Acknowledgements of the last hour, as many as matter beside one domain's."""
        if self._before is None:
            kind, since = Outgoing.Kind.ACKNOWLEDGEMENT, timezone.now() - HOUR
            lately = Outgoing.objects.filter(kind=kind, created_at__gt=since).order_by()
            self._before = lately[: int(self._most / SHARE) + 1].count()
        return self._before + self._queued


def note(ticket: Ticket, words: str) -> None:
    """Says on the ticket, and to those who watch the house, that a cap has bitten."""
    _count(HELD)
    Entry.objects.create(ticket=ticket, kind=Entry.Kind.EVENT, text=words, visible=words, happened_at=timezone.now())


def may_reopen(ticket: Ticket, now: datetime) -> bool:
    """Whether mail may open a solved ticket again: a robot that answers each closing may only so often."""
    again = Entry.objects.filter(ticket=ticket, happened_at__gt=now - DAY, payload__reopened=True)
    return again.count() < REOPENINGS


def held(now: datetime) -> int:
    """How often caps have bitten within a day."""
    found = Restraint.objects.filter(key=HELD, hour__gt=now - DAY).aggregate(sum=Sum("count"))
    return found["sum"] or 0


def forget(now: datetime | None = None) -> int:
    """Deletes counts of hours that no cap looks at any more."""
    return Restraint.objects.filter(hour__lt=(now or timezone.now()) - DAY).delete()[0]


@dataclass(frozen=True, slots=True)
class _Answering:
    """The ids, among those referred to, of automatic mails of ours; and the tickets that only those were sent about."""

    ids: frozenset[str]
    tickets: frozenset[int]


def _answering(messages: Sequence[InboundMessage]) -> _Answering:
    named = sorted({reference for message in messages for reference in message.references})
    ids: set[str] = set()
    if named:
        ours = Outgoing.objects.filter(kind__in=list(compose.AUTO_SUBMITTED)).filter(
            Q(message_id__in=named) | Q(provider_id__in=senders.names_of(named))
        )
        ids = {value for pair in ours.values_list("message_id", "provider_id") for value in pair if value}
    tickets = {message.reply_to for message in messages if message.reply_to is not None}
    if tickets:
        replied = Outgoing.objects.filter(ticket__in=tickets, kind=Outgoing.Kind.REPLY).order_by()
        tickets -= set(replied.values_list("ticket", flat=True))
    return _Answering(frozenset(ids), frozenset(tickets))


def _quotes_ours(message: InboundMessage, answering: _Answering) -> bool:
    """By the mark in its words, by references to an automatic mail, by a reply address that only those have given."""
    if tokens.ticket_of_mark(message.text) is not None:
        return True
    return not answering.ids.isdisjoint(senders.names_of(message.references)) or message.reply_to in answering.tickets


def _keys(message: InboundMessage) -> list[str]:
    """What an acknowledgement counts against: the domain, and the words from it. Nothing at a freemail provider."""
    domain = _domain(message.sender)
    return [] if is_freemail(domain) else [f"domain:{domain}", _words_key(domain, message)]


def _domain(address: str) -> str:
    return address.lower().rpartition("@")[2]


def _words_key(domain: str, message: InboundMessage) -> str:
    """Numbers do not count: robots put a new one into each message."""
    words = re.sub(r"\d+", "0", " ".join((message.visible or message.text).lower().split()))
    return f"words:{domain}:{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def _counts(keys: Collection[str]) -> dict[str, int]:
    return dict(Restraint.objects.filter(key__in=keys, hour=_this_hour()).values_list("key", "count"))


def _count(key: str) -> None:
    hour = _this_hour()
    same = Restraint.objects.filter(key=key, hour=hour)
    if same.update(count=F("count") + 1):
        return
    try:
        with transaction.atomic():
            Restraint.objects.create(key=key, hour=hour)
    except IntegrityError:
        same.update(count=F("count") + 1)
