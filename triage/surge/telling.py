"""What managers are told of surges, and when: that one began, grew, went on, ended; each alert explains itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from tickets.models import Medium, Ticket
from triage import alerts
from triage.models import Alert, SeriesState, Surge
from triage.surge import about, subjects
from triage.surge.series import ALL, MEDIUM, name_of, pages
from triage.surge.surges import PRESENT

# A first page comes while a surge still rises; only a peak that doubles later than this is news.
SETTLED = timedelta(hours=1)
DOUBLED = 2.0
# Samples in an alert, tickets looked at for them, and characters of each.
SAMPLES, LOOK, LENGTH = 3, 200, 100
# Channels below this many times their usual are not what it is about.
RAISED = 1.5
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|(?<!\w)\+?\d[\d\s()./-]{5,}\d(?!\w)")


@dataclass(frozen=True, slots=True)
class Known:
    """A surge, and what managers know of it. `told`: the level they heard it at, empty: not at all."""

    level: str
    told: str = ""
    told_at: datetime | None = None
    peak: float = 0.0
    told_peak: float = 0.0
    fresh: bool = True
    over: bool = False
    end_told: bool = False
    dismissed: bool = False


def news(surge: Known, now: datetime) -> str:
    """Pure: what to tell now: "began", "noticed", "doubled", "resumed", "ended", "dropped" (silently), or nothing."""
    if surge.over:
        return ("dropped" if surge.dismissed else "ended") if surge.told and not surge.end_told else ""
    doubled = surge.level == Surge.Level.PAGE and surge.told_peak > 0 and surge.peak >= DOUBLED * surge.told_peak
    if surge.dismissed:
        # It was judged at another height.
        return "doubled" if doubled else ""
    if not surge.told:
        return _first(surge.level) if surge.fresh else ""
    if surge.level == Surge.Level.PAGE and surge.told == Surge.Level.NOTICE:
        return "began"
    settled = surge.told_at is not None and now - surge.told_at >= SETTLED
    if doubled and (settled or surge.end_told):
        return "doubled"
    return "resumed" if surge.end_told else ""


def _first(level: str) -> str:
    return "began" if level == Surge.Level.PAGE else "noticed"


def tell(now: datetime | None = None) -> int:
    """Tells managers of what is new about surges, each thing once. Returns how many things there were."""
    now = now or timezone.now()
    on = Q(ended_at=None, parent=None)
    ended = Q(ended_at__isnull=False, end_alerted_at=None) & ~Q(told_level="")
    return sum(_look(surge, now) for surge in Surge.objects.filter(on | ended).order_by("pk"))


def _look(surge: Surge, now: datetime) -> bool:
    if not pages(surge.series) and surge.declared_at is None:
        return False
    known = Known(
        level=surge.level,
        told=surge.told_level,
        told_at=surge.alerted_at,
        peak=surge.peak_ratio,
        told_peak=surge.told_peak,
        fresh=now - surge.detected_at <= PRESENT,
        over=surge.ended_at is not None,
        end_told=surge.end_alerted_at is not None,
        dismissed=surge.dismissed_at is not None,
    )
    new = news(known, now)
    if new:
        return _say_once(surge, new, now)
    if known.told and not known.over and not known.dismissed and surge.peak_ratio > surge.told_peak:
        # Within the first hour the peak is still part of what they were told.
        Surge.objects.filter(pk=surge.pk, dismissed_at=None).update(told_peak=surge.peak_ratio)
    return False


def _say_once(surge: Surge, new: str, now: datetime) -> bool:
    """The mark and the alert are one transaction, so that neither a crash nor a second watch doubles them."""
    same = Surge.objects.filter(
        pk=surge.pk,
        told_level=surge.told_level,
        alerted_at=surge.alerted_at,
        end_alerted_at=surge.end_alerted_at,
        dismissed_at=surge.dismissed_at,
    )
    marks: dict[str, object] = {"end_alerted_at": now}
    if new not in ("ended", "dropped"):
        marks = {"alerted_at": now, "end_alerted_at": None, "told_level": surge.level, "dismissed_at": None}
        marks |= {"dismissed_by": None, "told_peak": surge.peak_ratio}
    # Worked out before: reading what people wrote takes longer than a transaction should.
    words = about.in_words(surge, now) if new != "dropped" else ""
    with transaction.atomic():
        if not same.update(**marks):
            return False
        _say(surge, new, now, words)
    return True


def _say(surge: Surge, new: str, now: datetime, words: str) -> None:
    kind = kind_of(surge)
    if new == "dropped":
        alerts.close(kind)
        return
    if new == "began" and _take_over(surge):
        return
    subject, _, text = render_to_string(f"triage/alerts/surge_{new}.txt", explanation(surge, now, words)).partition(
        "\n"
    )
    if new == "ended":
        alerts.end(kind, subject.strip(), text.strip() + "\n")
        return
    alerts.close(kind)
    level = Surge.Level.PAGE if new in ("began", "doubled") else Surge.Level.NOTICE
    alerts.notify(kind, subject.strip(), text.strip() + "\n", level=level, surge=surge)


def kind_of(surge: Surge) -> str:
    """The kind of its alerts."""
    return f"surge:{surge.pk}"


def _take_over(surge: Surge) -> bool:
    """What managers heard of its parts is its own from now on, so that whoever heard of a part hears of its end once.

    True when a part was a page: nobody is told again that it is all channels.
    """
    kind = kind_of(surge)
    parts = list(Alert.objects.filter(surge__parent=surge, lasting=True, ended_at=None).order_by("pk"))
    page = next((alert for alert in parts if alert.level == Alert.Level.PAGE), None)
    if page:
        alerts.close(kind)
    for alert in parts:
        if alert is not page:
            alerts.close(alert.kind)
    Alert.objects.filter(pk__in=[alert.pk for alert in parts]).update(kind=kind, surge=surge)
    return page is not None


def explanation(surge: Surge, now: datetime, words: str) -> dict[str, object]:
    """What an alert says: expected and now, since when, by channel, how many people, what about (`words`), links."""
    told = SeriesState.objects.filter(Q(series=surge.series) | Q(series__startswith=MEDIUM))
    states = {state.series: state for state in told.only("series", "ratio", "expected")}
    minutes = max(((surge.ended_at or now) - surge.began_at).total_seconds() / 60, 1)
    ratio, expected = surge.total / max(surge.expected, 0.25), surge.expected / minutes
    whole = states.get(surge.series)
    if whole is not None and whole.expected and surge.ended_at is None:
        ratio, expected = whole.ratio or ratio, whole.expected
    parts = [(name_of(one), state.ratio) for one, state in states.items() if one.startswith(MEDIUM)]
    chosen = subjects.since(surge.began_at, surge.ended_at)
    raised = sorted((part for part in parts if part[1] >= RAISED), key=lambda part: -part[1])
    return {
        "organisation": settings.ORGANISATION,
        "surge": surge,
        "name": name_of(surge.series),
        "ratio": ratio,
        "expected_an_hour": expected * 60,
        "now_an_hour": expected * 60 * ratio,
        "parts": raised if surge.series == ALL and surge.ended_at is None else [],
        "about": words,
        "subjects": chosen,
        "samples": samples(surge, [subject for subject, _ in chosen]),
        "link": settings.PUBLIC_URL + reverse("surge", args=[surge.pk]),
        "enter": f"{settings.PUBLIC_URL}{reverse('incident_enter')}?surge={surge.pk}",
    }


def samples(surge: Surge, topics: Sequence[str]) -> list[str]:
    """A few tickets of the surge, from different people, as one line each; those that most write about come first."""
    rows = Ticket.objects.filter(created_at__gte=surge.began_at)
    if surge.ended_at:
        rows = rows.filter(created_at__lte=surge.ended_at)
    medium = surge.series.removeprefix(MEDIUM)
    if medium in Medium.values:
        rows = rows.filter(medium=medium)
    found = rows.order_by("-pk").values_list("requester_id", "subject", "last_text")[:LOOK]
    return sampled(list(found), topics)


def sampled(written: Sequence[tuple[int, str, str]], topics: Sequence[str]) -> list[str]:
    """Pure: (person, subject, text) of the newest → lines without addresses, one of each person, no two the same."""
    told = [topic.casefold() for topic in topics]
    lines: dict[int, tuple[bool, str]] = {}
    for who, subject, text in written:
        line = ": ".join(part for part in (_plain(subject), _plain(text)) if part)
        if line and who not in lines:
            lines[who] = (not any(topic in subject.casefold() for topic in told), line)
    best = sorted(dict.fromkeys(lines.values()), key=lambda one: one[0])
    return [line for _, line in best[:SAMPLES]]


def _plain(text: str) -> str:
    """One short line; addresses, links and numbers of people do not go out to services."""
    line = " ".join(_ADDRESS.sub("…", text).split())
    return line if len(line) <= LENGTH else f"{line[: LENGTH - 1].rstrip()}…"
