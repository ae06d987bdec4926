"""Every ten seconds: counts what is new, runs the detectors up to the watermark, keeps surges, tells managers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Min, Q
from django.utils import timezone

from tickets import changes
from triage.models import MinuteCount, SeriesState, Surge, SurgeWord
from triage.surge import counts, notices, surges, telling, verdicts
from triage.surge.counts import MINUTE
from triage.surge.detector import Detector, time_of
from triage.surge.excursions import Episode
from triage.surge.series import in_order

# What happened longer ago than this has reached us, as a rule.
WATERMARK = timedelta(seconds=20)
# Minutes that one tick feeds to one detector: the work of a tick is bounded.
MOST = 45 * 1440
# States of so many full hours are kept to replay late arrivals.
SNAPSHOTS = 3
# So many minutes that changed before the oldest snapshot are a new history, not a correction.
HISTORY = 240
# People in the running minutes below which nobody need glance at them.
FEW = 5
# How long a surge that was opened at a glance may wait for complete minutes to bear it out.
CONFIRM = timedelta(minutes=3)


@dataclass(slots=True)
class Run:
    """A detector on its way through the minutes, and what it met."""

    detector: Detector
    snapshots: list[list[Any]] = field(default_factory=list)
    replays: bool = False
    episodes: list[Episode] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """Read once a tick for all series: those with an open notice, and what managers said, by series."""

    noticed: Collection[str]
    said: Mapping[str, Sequence[SurgeWord]]


def tick(now: datetime | None = None) -> None:
    """One tick, safe to repeat. Costs in proportion to what is new; a second one at the same time changes nothing."""
    now = now or timezone.now()
    changed = counts.recount(now)
    upto = counts.floor(now - WATERMARK) - MINUTE
    states = {state.series: state for state in SeriesState.objects.defer("state", "snapshots")}
    running = _running(upto, now)
    caution = log(max(len(states), 1))
    known = Known(notices.on(), verdicts.said(now - counts.KEPT))
    for series in in_order(states.keys() | changed.keys() | running.keys()):
        moved = {minute: more for minute, more in changed.get(series, {}).items() if more}
        row = states.get(series)
        if row is None or row.minute is None or row.minute < upto or any(minute <= row.minute for minute in moved):
            _advance(series, upto, now, moved, caution, known)
        if sum(running.get(series, {}).values()) >= FEW:
            _glance(series, running[series], now)
    _close_unconfirmed(now)
    telling.tell(now)


def _running(upto: datetime, now: datetime) -> dict[str, dict[datetime, int]]:
    """People in the minutes that are not complete, by series."""
    rows = MinuteCount.objects.filter(minute__gt=upto, minute__lte=now).values_list("series", "minute", "senders")
    found: dict[str, dict[datetime, int]] = {}
    for series, minute, senders in rows:
        found.setdefault(series, {})[minute] = senders
    return found


def detector_of(state: Mapping[str, Any], caution: float = 0.0) -> Detector:
    """The detector of a saved state; a new one where there is none."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    if not state:
        return Detector(zone, ceiling=settings.SURGE_CEILING, caution=caution)
    return Detector.load(dict(state), zone, ceiling=settings.SURGE_CEILING, caution=caution)


def _advance(
    series: str, upto: datetime, now: datetime, moved: Mapping[datetime, int], caution: float, known: Known
) -> None:
    row = SeriesState.objects.get_or_create(series=series)[0]
    before = row.minute
    run = _resume(row, moved, caution if series.startswith("line:") else 0.0)
    _feed(series, run, upto, known.said.get(series, ()))
    detector = run.detector
    if detector.minute is None:
        return
    row.minute, row.state = time_of(detector.minute), detector.save()
    row.ratio, row.expected = round(detector.ratio(), 2), round(detector.window[-1][1] if detector.window else 0, 4)
    values = {"minute": row.minute, "state": row.state, "ratio": row.ratio, "expected": row.expected}
    if [one[0] for one in run.snapshots] != [one[0] for one in row.snapshots] or run.replays:
        values["snapshots"] = run.snapshots
    # Somebody else who fed it meanwhile wins; no lock is held while a history is read.
    if SeriesState.objects.filter(pk=row.pk, minute=before).update(**values):
        for episode in run.episodes:
            surges.keep(series, episode, row.minute + MINUTE, now)
        notices.follow(series, detector, row.minute + MINUTE, now, known.noticed)
        changes.bump("counts")


def _resume(row: SeriesState, moved: Mapping[datetime, int], caution: float) -> Run:
    """Where to go on: at the newest minute, at an hour before what came late, or at the beginning."""
    late = [minute for minute in moved if row.minute and minute <= row.minute]
    if not late:
        return Run(detector_of(row.state, caution), list(row.snapshots))
    usable = [one for one in row.snapshots if datetime.fromisoformat(one[0]) < min(late)]
    if usable:
        return Run(detector_of(usable[-1][1], caution), usable, replays=True)
    if len(late) > HISTORY:
        return Run(detector_of({}, caution), replays=True)
    detector = detector_of(row.state, caution)
    for minute in late:
        if not _in_surge(row.series, minute):
            detector.correct(minute, moved[minute])
    return Run(detector, list(row.snapshots))


def _in_surge(series: str, minute: datetime) -> bool:
    over = Q(ended_at=None) | Q(ended_at__gte=minute)
    return Surge.objects.filter(over, series=series, began_at__lte=minute).exists()


def _feed(series: str, run: Run, upto: datetime, said: Sequence[SurgeWord]) -> None:
    """Feeds the minutes up to `upto`; those without a row are zero."""
    detector = run.detector
    for minute, count in _minutes(series, detector, upto):
        verdicts.heed(detector, said, minute)
        if detector.step(minute, count).event == "end" and detector.resting:
            run.episodes.append(detector.resting)
        if minute.minute == 59 and minute > upto - timedelta(hours=SNAPSHOTS):
            run.snapshots = [*run.snapshots, [minute.isoformat(), detector.save()]][-SNAPSHOTS:]
    if detector.episode:
        run.episodes.append(detector.episode)


def _minutes(series: str, detector: Detector, upto: datetime) -> Iterator[tuple[datetime, int]]:
    rows = MinuteCount.objects.filter(series=series, minute__lte=upto)
    if detector.minute is None:
        start = rows.aggregate(first=Min("minute"))["first"]
    else:
        start = time_of(detector.minute) + MINUTE
    if start is None or start > upto:
        return
    end = min(upto, start + MOST * MINUTE)
    known = dict(rows.filter(minute__gte=start, minute__lte=end).values_list("minute", "senders"))
    while start <= end:
        yield start, known.get(start, 0)
        start += MINUTE


def _glance(series: str, running: Mapping[datetime, int], now: datetime) -> None:
    """Looks at the minutes that are not complete: a hundredfold rise need not wait for the watermark."""
    row = SeriesState.objects.filter(series=series).exclude(minute=None).first()
    if (
        row is None
        or row.minute is None
        or not row.state
        or Surge.objects.filter(series=series, ended_at=None).exists()
    ):
        return
    detector = detector_of(row.state)
    minute = row.minute + MINUTE
    minutes: list[tuple[datetime, int, float]] = []
    while minute <= now:
        share = min((now - minute) / MINUTE, 1.0)
        minutes.append((minute, running.get(minute, 0), share))
        minute += MINUTE
    episode = detector.glance(minutes[:5])
    if episode:
        surges.keep(series, episode, now, now)
        SeriesState.objects.filter(pk=row.pk).update(ratio=round(episode.peak, 2))


def _close_unconfirmed(now: datetime) -> None:
    for surge in Surge.objects.filter(ended_at=None, detected_at__lt=now - CONFIRM):
        state = SeriesState.objects.filter(series=surge.series).values_list("state", flat=True).first()
        if not (state or {}).get("episode"):
            surges.close_unconfirmed(surge, now)
