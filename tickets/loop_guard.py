"""Caps on our own automatic mail, so that two robots fall silent. What comes in is never touched; each says why."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
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


def facts_about(message: InboundMessage, *, lately: bool) -> Facts:
    """The facts about a message that has opened a ticket. Four queries at the most."""
    domain = _domain(message.sender)
    freemail = is_freemail(domain)
    counts = {} if freemail else _counts([f"domain:{domain}", _words_key(domain, message)])
    of_domain = counts.get(f"domain:{domain}", 0)
    return Facts(
        answers_ours=_answers_ours(message),
        lately=lately,
        freemail=freemail,
        same_words=counts.get(_words_key(domain, message), 0),
        of_domain=of_domain,
        of_all=_acknowledged(of_domain) if of_domain >= OF_DOMAIN else 0,
    )


def note_sent(message: InboundMessage) -> None:
    """Counts an acknowledgement against its domain and its words."""
    domain = _domain(message.sender)
    if not is_freemail(domain):
        _count(f"domain:{domain}")
        _count(_words_key(domain, message))


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


def _answers_ours(message: InboundMessage) -> bool:
    """By the mark in its words, by references to an automatic mail, by a reply address that only those have given."""
    if tokens.ticket_of_mark(message.text) is not None:
        return True
    automatic = Outgoing.objects.filter(kind__in=list(compose.AUTO_SUBMITTED))
    if (
        message.references
        and automatic.filter(
            Q(message_id__in=message.references) | Q(provider_id__in=senders.names_of(message.references))
        ).exists()
    ):
        return True
    if message.reply_to is None:
        return False
    kinds = set(Outgoing.objects.filter(ticket=message.reply_to).values_list("kind", flat=True))
    return Outgoing.Kind.REPLY not in kinds


def _domain(address: str) -> str:
    return address.lower().rpartition("@")[2]


def _words_key(domain: str, message: InboundMessage) -> str:
    """Numbers do not count: robots put a new one into each message."""
    words = re.sub(r"\d+", "0", " ".join((message.visible or message.text).lower().split()))
    return f"words:{domain}:{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def _counts(keys: Sequence[str]) -> dict[str, int]:
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


def _acknowledged(of_domain: int) -> int:
    """Acknowledgements of the last hour, as many as matter beside the domain's."""
    lately = Outgoing.objects.filter(kind=Outgoing.Kind.ACKNOWLEDGEMENT, created_at__gt=timezone.now() - HOUR)
    return lately.order_by()[: int(of_domain / SHARE) + 1].count()
