"""What the surge that is on is about: worked out by the watch as people write, read by pages, alerts and forms."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.utils import timezone

from tickets import changes
from tickets.models import Ticket
from triage.models import Surge, SurgeTerms
from triage.surge import texts
from triage.surge.series import MEDIUM
from triage.surge.terms import EXCESS, FEWEST, Found, rising, share_mentioning
from triage.surge.usual import KNOWN, USUAL

# Worked out anew at the earliest after a minute, later after this share of the surge's age, at the latest after:
SOONEST, SHARE_OF_AGE, LATEST = timedelta(minutes=1), 0.05, timedelta(minutes=10)
# Surges that are over are looked at once more within this time, and surges looked at in one go.
AFTER, MOST = timedelta(hours=1), 5
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Shown:
    """A rising term or a rule as pages show it; shares in words, `samples` tickets."""

    words: Sequence[str]
    label: str
    share: str
    usual: str
    samples: Sequence[Ticket] = ()

    @property
    def query(self) -> str:
        """The words as the query of an address."""
        return urlencode([("words", word) for word in self.words])

    @property
    def coverage(self) -> str:
        """What the words cover, as a sentence's end."""
        usual = f"{self.usual} of an ordinary week" if self.usual != UNKNOWN else "ordinary weeks not known yet"
        return f"{self.share} of the surge, {usual}"


@dataclass(frozen=True, slots=True)
class About:
    """What a page shows of a surge's terms: whose texts were read, when, and what rises in them."""

    at: datetime
    people: int
    ordinary: int
    terms: Sequence[Shown]
    rule: Shown | None


def refresh(now: datetime | None = None) -> int:
    """Brings the terms of surges that are on, or were until a moment ago, up to date. Returns how many changed.

    While there are none, ordinary weeks are read for the next one.
    """
    now = now or timezone.now()
    on = Q(ended_at=None) | Q(ended_at__gte=now - AFTER)
    found = Surge.objects.filter(on, parent=None, dismissed_at=None).select_related("terms").order_by("-began_at")
    surges = list(found[:MOST])
    if not surges:
        USUAL.read_ahead(now)
    return sum(_bring_up_to_date(surge, now) for surge in surges)


def in_words(surge: Surge, now: datetime | None = None) -> str:
    """For alerts: “login, error 500 (83 % of what people write)”; empty while nothing can be said.

    Works the terms out where they are due; not for pages, which read what is there.
    """
    _bring_up_to_date(surge, now or timezone.now())
    row = SurgeTerms.objects.filter(surge=surge).first()
    if row is None or row.rule is None:
        return ""
    return f"{', '.join(row.rule['words'])} ({percent(row.rule['share'])} of what people write)"


def shown(surge: Surge | None) -> About | None:
    """What is known of a surge, for a page: one query where `terms` was selected with the surge, else two."""
    row = getattr(surge, "terms", None)
    if row is None:
        return None
    ids = {pk for term in row.terms for pk in term["samples"]}
    tickets = {ticket.pk: ticket for ticket in Ticket.objects.filter(pk__in=ids).only("pk", "subject", "last_text")}
    known = row.ordinary >= KNOWN
    terms = [_shown(term, tickets, known) for term in row.terms]
    return About(row.at, row.people, row.ordinary, terms, _shown(row.rule, tickets, known) if row.rule else None)


def reach(words: Iterable[str], before: datetime) -> tuple[int, int]:
    """How many of the people who wrote in ordinary weeks before mention any of the words, and how many were read."""
    return share_mentioning(list(words), texts.ordinary(before))


def percent(share: float) -> str:
    """Whole per cents, below ten with one decimal."""
    value = share * 100
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{max(value, 0.1):.1f} %"


def _shown(term: dict[str, Any], tickets: dict[int, Ticket], known: bool) -> Shown:
    usual = percent(term["ordinary"]) if known and term["ordinary"] is not None else UNKNOWN
    samples = [tickets[pk] for pk in term["samples"] if pk in tickets]
    return Shown(term["words"], " or ".join(term["words"]), percent(term["share"]), usual, samples)


def _bring_up_to_date(surge: Surge, now: datetime) -> bool:
    """Works the terms out anew where that is due and somebody wrote since. True when they were."""
    row = SurgeTerms.objects.filter(surge=surge).first()
    end = surge.ended_at or now
    if row is not None and not due(row.at, surge.began_at, surge.ended_at, now):
        return False
    medium = surge.series.removeprefix(MEDIUM) if surge.series.startswith(MEDIUM) else ""
    newest = texts.newest(surge.began_at, end, medium)
    if row is not None and row.newest == newest:
        return False
    ordinary = USUAL.before(surge.began_at, medium)
    found = rising(texts.during(surge.began_at, end, medium), ordinary, _excess(surge))
    _keep(surge, found, newest, now)
    return True


def due(at: datetime, began: datetime, ended: datetime | None, now: datetime) -> bool:
    """Whether terms worked out `at` are to be worked out anew; pure."""
    if ended is not None and at >= ended:
        return False
    return now - at >= min(max(SOONEST, (now - began) * SHARE_OF_AGE), LATEST)


def _excess(surge: Surge) -> float:
    """The share of those who came that are more than usual."""
    return 1 - surge.expected / surge.total if surge.total > surge.expected else EXCESS


def _keep(surge: Surge, found: Found, newest: int, now: datetime) -> None:
    enough = found.people >= FEWEST
    values = {
        "at": now,
        "newest": newest,
        "people": found.people,
        "ordinary": found.ordinary,
        "terms": [asdict(term) for term in found.terms] if enough else [],
        "rule": asdict(found.rule) if found.rule and enough else None,
    }
    SurgeTerms.objects.update_or_create(surge=surge, defaults=values)
    changes.bump("surge")
