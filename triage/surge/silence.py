"""Silence is an alarm: nothing comes where much is expected, or a door gives no heartbeat. Told once, each way."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from tickets import changes
from tickets.heartbeats import MAILBOX
from tickets.models import Pulse
from triage import alerts
from triage.models import MinuteCount, SeriesState, Silence
from triage.surge import sources
from triage.surge.detector import time_of
from triage.surge.follower import Follower
from triage.surge.series import ALL, name_of

# How long a door may give no heartbeat before managers are told.
PATIENCE = timedelta(minutes=5)
# How long a silence has to stand before they are: a past that is being written looks like one until its end is.
STANDS = timedelta(minutes=2)
HEARTBEAT = "heartbeat:"
NAMES = {"front": "The public address", "voice": "The telephone's webhooks"}


def note(followers: Sequence[Follower], now: datetime) -> None:
    """Keeps which series fell silent and which are heard again, of those that went on. Topics come and go."""
    heard = {one.series: one for one in followers if one.silent is not None and not one.series.startswith("topic:")}
    # All that are open: the names of all that were heard would be the longer question.
    open_ones = set(Silence.objects.filter(ended_at=None).values_list("what", flat=True))
    fallen = [one for series, one in heard.items() if one.silent and series not in open_ones]
    for minute, names in _by_minute(fallen).items():
        since = _last_heard(names, minute)
        Silence.objects.bulk_create(Silence(what=one, since=since[one], noted_at=now) for one in names)
    back = [one for series, one in heard.items() if not one.silent and series in open_ones]
    for minute, names in _by_minute(back).items():
        Silence.objects.filter(what__in=names, ended_at=None).update(ended_at=minute)


def tell(now: datetime | None = None) -> int:
    """Tells managers of silences that began and ended. Returns how many were told of."""
    now = now or timezone.now()
    _listen(now)
    told = 0
    over = Q(ended_at__isnull=False, end_alerted_at=None, alerted_at__isnull=False)
    untold = list(Silence.objects.filter(Q(ended_at=None, alerted_at=None) | over).order_by("since", "pk"))
    begun = [one for one in untold if one.ended_at is None and _stands(one, now)]
    everything = bool(begun) and Silence.objects.filter(what=ALL, ended_at=None).exists()
    for one in begun:
        # All channels silent are one alarm, not one for each.
        if one.what != ALL and everything and not one.what.startswith(HEARTBEAT):
            continue
        told += _tell_once(one, "alerted_at", "silence_began", now)
    return told + sum(_tell_once(one, "end_alerted_at", "silence_ended", now) for one in untold if one.ended_at)


def _stands(one: Silence, now: datetime) -> bool:
    return one.what.startswith(HEARTBEAT) or one.noted_at <= now - STANDS


def name(what: str) -> str:
    """As people read it."""
    if not what.startswith(HEARTBEAT):
        return name_of(what)
    source = what.removeprefix(HEARTBEAT)
    return NAMES.get(source, f"The mailbox {source.removeprefix(MAILBOX)}")


def _listen(now: datetime) -> None:
    """Opens an alarm for each source that has failed for long, and ends those of sources that answer again."""
    pulses = {pulse.source: pulse for pulse in Pulse.objects.all()}
    open_ones = {one.what: one for one in Silence.objects.filter(ended_at=None, what__startswith=HEARTBEAT)}
    if not open_ones and not any(pulse.failing_since for pulse in pulses.values()):
        return
    expected = sources.expected()
    failing = {
        f"{HEARTBEAT}{source}": pulse
        for source, pulse in pulses.items()
        if pulse.failing_since and pulse.failing_since <= now - PATIENCE and source in expected
    }
    for what in failing.keys() - open_ones.keys():
        since = failing[what].last_at or failing[what].failing_since or now
        Silence.objects.get_or_create(what=what, ended_at=None, defaults={"since": since, "why": failing[what].error})
    for what in open_ones.keys() - failing.keys():
        Silence.objects.filter(pk=open_ones[what].pk).update(ended_at=now)


def _by_minute(followers: Sequence[Follower]) -> dict[datetime, list[str]]:
    """Their series by the minute they stand at: the same for nearly all, so that each takes one question for all."""
    found: dict[datetime, list[str]] = defaultdict(list)
    for one in followers:
        assert one.detector.minute is not None
        found[time_of(one.detector.minute)].append(one.series)
    return found


def _last_heard(names: Sequence[str], upto: datetime) -> dict[str, datetime]:
    """When somebody came last in each series, `upto` where nobody ever did. Each finds its own newest by the index."""
    newest = MinuteCount.objects.filter(series=OuterRef("series"), senders__gt=0, minute__lte=upto).order_by("-minute")
    states = SeriesState.objects.filter(series__in=names).order_by()
    found = dict(states.values_list("series", Subquery(newest.values("minute")[:1])))
    return {series: found.get(series) or upto for series in names}


def _tell_once(one: Silence, mark: str, template: str, now: datetime) -> int:
    """The mark and the mails are one transaction, so that neither a crash nor a second watch doubles them."""
    facts = {
        "silence": one,
        "name": name(one.what),
        "heartbeat": one.what.startswith(HEARTBEAT),
        "organisation": settings.ORGANISATION,
        "link": settings.PUBLIC_URL + reverse("control"),
    }
    subject, _, text = render_to_string(f"triage/alerts/{template}.txt", facts).partition("\n")
    with transaction.atomic():
        if not Silence.objects.filter(pk=one.pk, **{f"{mark}__isnull": True}).update(**{mark: now}):
            return 0
        kind, body = f"silence:{one.pk}", text.strip() + "\n"
        if mark == "alerted_at":
            alerts.notify(kind, subject.strip(), body, lasting=True)
        else:
            alerts.end(kind, subject.strip(), body)
        changes.bump("counts")
    return 1
