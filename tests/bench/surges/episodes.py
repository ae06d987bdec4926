"""What is more than one delay: three days at a hundredfold, and a surge in a series' first days."""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from tests.bench.surges import figures, injections, peers
from tests.bench.surges.figures import LEAST_RATE
from tests.bench.surges.injections import MISSED, Injection, Judged, injected, look
from tests.bench.surges.peers import LEAD
from tests.bench.surges.series import Series
from triage.surge.detector import Detector
from triage.surge.quarters import time_of

DAY = 1440
LASTS = 3 * DAY
AFTER = 7 * DAY
# The goals: minutes to the declared end, minutes the true end may be off, and what the week after may be wrong by.
DECLARED, TRUE_END, WEEK_AFTER = 50, 10, 0.02
WITHIN = 15


@dataclass(slots=True)
class Course:
    """What a detector said from a minute on: starts and ends, and what it expected after the surge."""

    starts: list[int] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)
    expected: float = 0.0


def course(detector: Detector, counts: Iterable[tuple[int, int | None]], over: int) -> Course:
    found = Course()
    for minute, count in counts:
        reading = detector.step(time_of(minute), count)
        if reading.event == "start":
            found.starts.append(minute)
        if reading.event == "end" and detector.resting:
            found.ends.append((minute, detector.resting.ended or 0))
        if minute >= over:
            found.expected += reading.expected
    return found


def fed(series: Series, first: int, end: int) -> Detector:
    """A detector that has seen these minutes of a series."""
    detector = Detector(series.zone)
    for minute in range(first, end):
        detector.step(time_of(series.start + minute), int(series.counts[minute]))
    return detector


def long_surges(everything: Sequence[Judged], number: int = 9) -> None:
    """Three days at ×100 in `number` series: how many go as wanted."""
    print("\nThree days at ×100")
    fit = [
        one.series for one in everything if one.series.mean() >= 0.1 and one.series.family not in ("polled", "hospital")
    ]
    some = [(one, at) for one in fit if (at := _place(one)) is not None]
    step = max(len(some) / number, 1)
    some = [some[int(which * step)] for which in range(min(number, len(some)))]
    good = sum(_long_surge(series, at) for series, at in some)
    print(f"  as wanted: {good} of {len(some)}")


def _place(series: Series) -> int | None:
    """Where a surge of three days fits: no event meanwhile, and doors are open when it ends."""
    busy = series.truth >= 0.05 * series.mean()
    starts = injections.starts(series, 60, np.random.default_rng([7, *series.name.encode()]))
    fit = [at for at in starts if at + LASTS + AFTER < len(series.counts)]
    fit = [at for at in fit if busy[at + LASTS - 60 : at + LASTS + 60].all()]
    fit = [at for at in fit if not any(first < at + LASTS + 240 and end > at for first, end in series.events)]
    return fit[len(fit) // 2] if fit else None


def _long_surge(series: Series, at: int) -> bool:
    detector = fed(series, 0, at)
    spared, blind = (pickle.loads(pickle.dumps(detector)) for _ in range(2))
    begins, over = series.start + at, series.start + at + LASTS
    found = course(detector, _counts(series, at), over)
    usual = [(begins + n, int(series.counts[at + n])) for n in range(LASTS + AFTER)]
    saw = course(spared, usual, over)
    # One that saw nothing during the three days: what is left beside it is what the surge has taught.
    missed = course(blind, [(minute, None if minute < over else count) for minute, count in usual], over)
    detected = found.starts[0] - begins + 1 if found.starts else MISSED
    declared, true_end = next(((at - over + 1, end - over) for at, end in found.ends if at >= over), (MISSED, MISSED))
    week, taught = found.expected / saw.expected - 1, found.expected / missed.expected - 1
    pages = sum(begins <= start < over + DECLARED for start in found.starts)
    good = (
        pages == 1 and declared <= DECLARED and abs(true_end) <= TRUE_END and max(abs(week), abs(taught)) <= WEEK_AFTER
    )
    print(
        f"  {series.name:24} episodes {pages}, detected after {detected}, end declared after {declared}, true end off"
        f" by {true_end}, next week {week:+.1%}, beside one that saw nothing meanwhile {taught:+.1%}"
        f"  {'as wanted' if good else 'MISSED'}"
    )
    return good


def _counts(series: Series, at: int) -> Iterator[tuple[int, int]]:
    dice = np.random.default_rng([5, at])
    counts = injected(series, at, 100, 0, LASTS / 60, dice, horizon=LASTS + AFTER)[LEAD:]
    return ((series.start + at + minute, int(count)) for minute, count in enumerate(counts))


def first_days(everything: Sequence[Judged], number: int = 6) -> None:
    """Three days of history, then ×10: the share seen within 15 minutes; and pages in a first week."""
    print("\nThree days of history, then ×10, on series of 0.3 a minute and more")
    shares, pages, weeks, best = [], 0, 0, []
    some = [one for one in everything if one.series.mean() >= 0.3 and one.series.family != "polled"]
    knowing = [peers.oracle(one.series, 10) for one in some]
    limit = figures.limit(some, knowing, sum(one.series.years() for one in some), LEAST_RATE)
    for one, oracle in zip(some, knowing, strict=True):
        delays, alarms, surges = _first(one.series, number)
        pages, weeks = pages + alarms, weeks + len(delays)
        shares += [delay <= WITHIN for delay in delays]
        best += [figures.delay_of(oracle, surge, limit) <= WITHIN for surge in surges]
        seen = ", ".join("–" if delay == MISSED else f"{delay:.0f}" for delay in delays)
        print(f"  {one.series.name:24} after {seen} minutes; pages without a surge {alarms}")
    verdict = "reached" if fmean(shares) >= 0.95 else "MISSED"
    print(f"  within {WITHIN} minutes: {fmean(shares):.0%} of {len(shares)} (goal 95 %: {verdict})")
    print(f"  the oracle, which knows the series: {fmean(best):.0%}")
    print(f"  pages in {weeks} first weeks without a surge, at the default ceiling: {pages}")


def _first(series: Series, number: int) -> tuple[list[float], int, list[Injection]]:
    dice = np.random.default_rng([3, *series.name.encode()])
    fit = [at for at in injections.starts(series, number * 2, dice) if 3 * DAY < at < len(series.counts) - 4 * DAY]
    delays, alarms, judged = [], 0, []
    for at in fit[::2][:number]:
        detector = fed(series, at - 3 * DAY, at)
        one = Injection(at, 10, 0, 4, True, injected(series, at, 10, 0, 4, dice))
        if detector.episode is None:
            look(detector, series, [one])
            delays.append(one.delay)
            judged.append(one)
        week = ((series.start + n, int(series.counts[n])) for n in range(at - 3 * DAY, at + 4 * DAY))
        alarms += len(course(Detector(series.zone), week, 0).starts)
    return delays, alarms, judged
