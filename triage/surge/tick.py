"""Every ten seconds: counts what is new, runs the detectors up to the watermark, keeps surges.

What takes longer the more a surge brings is done right after, from the rows: people are counted (`people.py`), managers
are told (`telling.py`, `silence.py`).
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import JSONField, OuterRef, Q, Subquery
from django.db.models.functions import Cast
from django.utils import timezone

from tickets import changes
from triage.models import Checkpoint, Clock, LateCount, MinuteCount, SeriesState, Surge, SurgeWord
from triage.surge import bulk, clock, counts, gaps, notices, silence, sources, surges, unread, verdicts
from triage.surge.baseline import minute_of
from triage.surge.counts import MINUTE
from triage.surge.detector import time_of
from triage.surge.excursions import Episode
from triage.surge.follower import KEPT, Follower, Saved, detector_of, place_of
from triage.surge.minutes import Minute, read
from triage.surge.series import in_order, pages
from triage.surge.surges import Sighting
from triage.surge.watching import Watching, settle

__all__ = ["detector_of", "tick"]

# What happened longer ago than this has reached us, as a rule.
WATERMARK = timedelta(seconds=20)
# Minutes that one tick feeds to all detectors: the work of a tick is bounded, what is left goes on in the next.
MOST = 500_000
# Minutes after the last complete one that a glance looks at.
GLANCED = 5
# People in the running minutes below which nobody need glance at them.
FEW = 5
# Minutes between looks at the surge of a line or a topic that goes on.
PARTS = 5
# How long a surge that was opened at a glance may wait for complete minutes to bear it out.
CONFIRM = timedelta(minutes=3)

People = Mapping[str, Mapping[datetime, int]]


class On(NamedTuple):
    """What is looked at of a surge that is on; `is_old`: complete minutes have had their time to bear it out."""

    pk: int
    began: datetime
    peak: float
    is_dismissed: bool
    is_old: bool


@dataclass(slots=True)
class Found:
    """What a tick has to write: followers that went on, episodes they met and states they saved.

    `parts`: surges, by id, of lines and topics that go on as they did. `glanced`: seen in minutes not complete. `told`:
    series of lines and topics whose state is news.
    """

    followers: list[Follower] = field(default_factory=list)
    episodes: list[Sighting] = field(default_factory=list)
    parts: list[tuple[int, Episode, datetime]] = field(default_factory=list)
    saved: list[tuple[str, Saved]] = field(default_factory=list)
    glanced: list[Sighting] = field(default_factory=list)
    unconfirmed: list[int] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


WATCHING = Watching()


def tick(now: datetime | None = None, watching: Watching = WATCHING) -> None:
    """One tick, safe to repeat. Costs in proportion to what is new; of two at the same time one changes nothing."""
    now = now or timezone.now()
    counts.recount(now)
    upto = counts.floor(now - WATERMARK) - MINUTE
    at = clock.read()
    watching.begin(at)
    try:
        found = _look(watching, _move(at, upto), upto, now)
        kept = _write(found, watching, now)
    except BaseException:
        # What was fed and not written is met again from the rows.
        watching.forget()
        raise
    if not kept:
        watching.forget()


def _move(at: Clock, upto: datetime) -> Clock:
    """Moves the clock to the newest complete minute, and decides with it which minutes are missing."""
    if at.minute is not None and at.minute >= upto:
        return at
    with transaction.atomic():
        at = clock.locked()
        if at.minute is not None and at.minute < upto:
            gaps.decide(at.minute, upto, sources.expected())
        clock.move(at, upto)
    return at


def _look(watching: Watching, at: Clock, upto: datetime, now: datetime) -> Found:
    """Feeds what is new to the detectors concerned; nothing is written."""
    last = minute_of(max(at.minute or upto, upto))
    # Read in this order: what becomes known in between is heard of at the next tick.
    late = list(LateCount.objects.filter(pk__gt=watching.late).order_by("pk"))
    new, running = _new(watching, last, now)
    open_ones = _on(now)
    said = verdicts.said(now - counts.KEPT)
    concerned = watching.hear(new, late) | (open_ones.keys() if last > watching.upto else set())
    busy = {series for series, minutes in running.items() if sum(minutes.values()) >= FEW}
    due = watching.due(concerned, busy | _spoken_of(said, watching.upto, last), last)
    watching.load([*due, *in_order(open_ones.keys() - set(due))], last)
    for series in due:
        watching.followers[series].said = said.get(series, ())
    found = Found()
    _follow(watching, due, last, open_ones, found)
    for series in in_order(busy - open_ones.keys()):
        episode = _glance(watching.followers[series], running[series], now)
        if episode:
            found.glanced.append(Sighting(series, episode, now))
    _hold_back(found, open_ones, now)
    for series, surge in open_ones.items():
        if surge.is_old and series not in watching.behind and not watching.followers[series].detector.episode:
            found.unconfirmed.append(surge.pk)
    watching.upto = last
    return found


def _on(now: datetime) -> dict[str, On]:
    """Surges that are on, by series: as many as there are lines, at times. A notice is followed for itself: it hides no
    rise from a glance."""
    rows = Surge.objects.filter(ended_at=None, level=Surge.Level.PAGE)
    rows = rows.annotate(is_dismissed=Q(dismissed_at__isnull=False), is_old=Q(detected_at__lt=now - CONFIRM))
    found = rows.values_list("series", "pk", Minute("began_at"), "peak_ratio", "is_dismissed", "is_old")
    return {series: On(pk, read(began), *others) for series, pk, began, *others in found}


def _spoken_of(said: Mapping[str, Sequence[SurgeWord]], seen: int, last: int) -> set[str]:
    """Series of which a manager has said something in the minutes that are complete now."""
    return {series for series, words in said.items() if any(seen < minute_of(word.at) <= last for word in words)}


def _new(watching: Watching, last: int, now: datetime) -> tuple[list[tuple[str, datetime, int]], People]:
    """Counts of minutes that are complete since the last tick, and people in those that are not."""
    rows = MinuteCount.objects.filter(minute__gt=time_of(min(watching.upto or last, last)), minute__lte=now)
    new: list[tuple[str, datetime, int]] = []
    running: dict[str, dict[datetime, int]] = defaultdict(dict)
    complete = time_of(last)
    for series, text, people in rows.values_list("series", Minute("minute"), "senders"):
        minute = read(text)
        if minute <= complete:
            new.append((series, minute, people))
        else:
            running[series][minute] = people
    watching.names |= running.keys()
    return new, running


def _follow(watching: Watching, due: Sequence[str], last: int, on: Mapping[str, On], found: Found) -> None:
    left = MOST
    missing = _gaps(watching, due, last)
    for series in due:
        follower = watching.followers[series]
        watching.behind.discard(series)
        if follower.detector.minute is not None and follower.detector.minute >= last:
            continue
        left -= follower.follow(last, missing.get(gaps.scope_of(series), ()), len(watching.names), max(left, 0))
        if follower.detector.minute is None:
            continue
        if follower.detector.minute < last:
            watching.behind.add(series)
        _gather(follower, on.get(series), found)


def _gather(follower: Follower, surge: On | None, found: Found) -> None:
    """What one follower met. A part that goes on is told every few minutes only: there may be many."""
    series, minute = follower.series, follower.detector.minute
    assert minute is not None
    seen = time_of(minute) + MINUTE
    found.followers.append(follower)
    ended, saved = follower.take()
    found.saved += [(series, one) for one in saved]
    found.episodes += [Sighting(series, episode, seen) for episode in ended]
    if ended:
        found.told.add(series)
    episode = follower.detector.episode
    # What a glance has seen stands until complete minutes have their say: pages must not call it over meanwhile.
    is_glanced = surge is not None and episode is None and not ended and not surge.is_dismissed
    follower.glanced = surge.peak if surge and is_glanced else 0.0
    if episode is None:
        return
    if pages(series) or surge is None or surge.began != time_of(episode.began):
        found.episodes.append(Sighting(series, episode, seen))
        found.told.add(series)
    elif minute % PARTS == place_of(series) % PARTS:
        found.parts.append((surge.pk, episode, seen))
        found.told.add(series)


def _gaps(watching: Watching, due: Iterable[str], last: int) -> Mapping[str, Sequence[tuple[int, int]]]:
    seen = [watching.followers[series].detector.minute for series in due]
    start = min((minute if minute is not None else 0 for minute in seen), default=last)
    return gaps.between(time_of(start), time_of(last)) if start < last else {}


def _glance(follower: Follower, running: Mapping[datetime, int], now: datetime) -> Episode | None:
    """Looks at the minutes that are not complete: a hundredfold rise need not wait for the watermark."""
    if follower.detector.minute is None:
        return None
    minute = time_of(follower.detector.minute) + MINUTE
    minutes: list[tuple[datetime, int, float]] = []
    while minute <= now and len(minutes) < GLANCED:
        minutes.append((minute, running.get(minute, 0), min((now - minute) / MINUTE, 1.0)))
        minute += MINUTE
    return follower.detector.glance(minutes)


def _hold_back(found: Found, on: Container[str], now: datetime) -> None:
    """What begins and is made of mail that nobody has read waits until it was read."""
    begins = [one for one in (*found.episodes, *found.glanced) if one.episode.ended is None and one.series not in on]
    waiting = unread.waiting({one.series: time_of(one.episode.began) for one in begins}, now)
    held = {id(one) for one in begins if one.series in waiting}
    found.episodes = [one for one in found.episodes if id(one) not in held]
    found.glanced = [one for one in found.glanced if id(one) not in held]


def _write(found: Found, watching: Watching, now: datetime) -> bool:
    """Writes what a tick found, in one transaction and in its turn. False: somebody else has ticked meanwhile."""
    if not (found.followers or found.glanced or found.unconfirmed):
        return True
    with transaction.atomic():
        at = clock.locked()
        if at.turn != watching.turn:
            return False
        _write_states(found)
        surges.keep([*found.episodes, *found.glanced], now)
        surges.keep_figures(found.parts)
        _show_glanced(found.glanced)
        surges.close_unconfirmed(found.unconfirmed, now)
        silence.note(found.followers, now)
        notices.follow([(one.series, one.detector) for one in found.followers], now, notices.on())
        if found.saved:
            settle()
        if found.followers:
            watching.turn = clock.next_turn(at)
            changes.bump("counts")
    return True


def _show_glanced(glanced: Sequence[Sighting]) -> None:
    SeriesState.objects.bulk_create(
        [SeriesState(series=one.series, ratio=round(one.episode.peak, 2)) for one in glanced],
        update_conflicts=True,
        unique_fields=["series"],
        update_fields=["ratio"],
    )


def _write_states(found: Found) -> None:
    """What pages show of those that page, of others when it is news; the checkpoints of all, and old ones go."""
    told = found.told.union(series for series, _ in found.saved)
    new = [SeriesState(series=one.series) for one in found.followers if one.is_new]
    SeriesState.objects.bulk_create(new, batch_size=200, ignore_conflicts=True)
    shown = (one for one in found.followers if one.is_new or pages(one.series) or one.series in told)
    bulk.update(SeriesState, "series", ("minute", "ratio", "expected"), [_figures(one) for one in shown])
    for follower in found.followers:
        follower.is_new = False
    if found.saved:
        _write_checkpoints(found.saved)


def _write_checkpoints(saved: Sequence[tuple[str, Saved]]) -> None:
    Checkpoint.objects.bulk_create(
        [
            Checkpoint(series=series, minute=time_of(one.minute), late=one.late, caution=one.caution, state=one.state)
            for series, one in saved
        ],
        batch_size=200,
        update_conflicts=True,
        unique_fields=["series", "minute"],
        update_fields=["late", "caution", "state"],
    )
    # Copied within the database: a state is large, and written out once is enough.
    mine = Checkpoint.objects.filter(series=OuterRef("series")).order_by("-minute")
    late, caution, state = (Subquery(mine.values(name)[:1]) for name in ("late", "caution", "state"))
    newest = {"late": late, "caution": caution, "state": Cast(state, JSONField())}
    for names in counts.pieces(sorted({series for series, _ in saved})):
        SeriesState.objects.filter(series__in=names).update(**newest)
    oldest = max(one.minute for _, one in saved) - KEPT
    Checkpoint.objects.filter(minute__lte=time_of(oldest)).delete()


def _figures(follower: Follower) -> tuple[datetime, float, float, str]:
    """Minute, times normal and expected arrivals that pages show of a series, and the series."""
    detector = follower.detector
    assert detector.minute is not None
    expected = detector.window.due[-1] if detector.window else 0.0
    ratio = max(detector.ratio(), follower.glanced)
    return time_of(detector.minute), round(ratio, 2), round(expected, 4), follower.series
