"""The tables that the benchmark prints."""

import pickle
from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from tests.bench.surges import figures, injections, peers
from tests.bench.surges.figures import Delays
from tests.bench.surges.injections import MULTIPLES, RAMPS, Injection, Judged, long_counts
from tests.bench.surges.peers import Peer
from tests.bench.surges.series import WEEK, Series
from triage.surge.detector import Detector, time_of

DAY = 1440
VOLUMES = {"0.3 a minute and more": (0.3, 1e9), "0.1 to 0.3": (0.1, 0.3), "below 0.1": (0.0, 0.1)}
# The rate at which others' thresholds are set is ours, but at least this.
LEAST_RATE = 0.3
# The goals: our median and 95th percentile in minutes, or as multiples of the oracle's.
GOALS = {100: (2.0, 3.0), 10: (1.5, 1.5), 5: (1.7, 2.0), 3: (2.0, None)}


def rate_of(some: Iterable[Judged]) -> tuple[int, float]:
    some = list(some)
    return sum(len(one.false_alarms()) for one in some), sum(one.series.years() for one in some)


def false_pages(everything: Sequence[Judged]) -> None:
    print("False pages per series-year, with exact Poisson intervals (95 %)")
    groups = {one.series.family: [] for one in everything}
    for one in everything:
        groups[one.series.family].append(one)
    groups |= {"all real": [one for one in everything if one.series.family != "simulated"], "everything": [*everything]}
    for name, some in groups.items():
        number, years = rate_of(some)
        low, high = figures.poisson_interval(number, years)
        notices = sum(len(one.notices) for one in some)
        print(
            f"  {name:12} {number:3} in {years:6.2f} years: {number / years:5.2f} [{low:.2f}, {high:.2f}]"
            f"   (alarms in events: {sum(len(one.alarms) for one in some) - number}; notices {notices})"
        )
    for one in everything:
        ordinary = one.series.ordinary()
        for at in one.alarms:
            if at >= one.series.judged[0]:
                when = time_of(one.series.start + at).astimezone(one.series.zone)
                print(f"    {one.series.name:24} {when:%F %a %H:%M}  {'FALSE' if ordinary[at] else 'in an event'}")


def delays(kind: str, some: Sequence[Judged]) -> None:
    """For each volume and multiple: share found within 4 h, median/95th percentile, oracle, ratios, peers."""
    print(
        f"\nDelays on {kind} series: found within 4 h, median/p95 in minutes, thresholds at the same false-alarm rate"
    )
    number, years = rate_of(some)
    rate = max(number / max(years, 1e-9), LEAST_RATE)
    for name, (least, most) in VOLUMES.items():
        those = [one for one in some if least <= one.series.mean() < most and one.injections]
        if those:
            _volume(name, those, rate)


def _volume(name: str, some: Sequence[Judged], rate: float) -> None:
    years = sum(one.series.years() for one in some)
    print(f"  {name}: {len(some)} series, {years:.1f} years, skipped {sum(one.skipped for one in some)} starts")
    others = {make.__name__: [make(one.series) for one in some] for make in peers.PEERS}
    limits = {key: _limit(some, made, years, rate) for key, made in others.items()}
    for made in others.values():
        alarms = sum(
            int((figures.peaks(one, peer) >= peer.textbook).sum()) for one, peer in zip(some, made, strict=True)
        )
        print(f"    {made[0].name} at its textbook threshold: {alarms / years:.0f} false alarms a year")
    for multiple in MULTIPLES:
        oracles = [peers.oracle(one.series, multiple) for one in some]
        limit = _limit(some, oracles, years, rate)
        for ramp in RAMPS:
            cases = [[x for x in one.injections if x.multiple == multiple and x.ramp == ramp] for one in some]
            ours = Delays(tuple(x.delay for those in cases for x in those))
            oracle = _delays(cases, oracles, limit)
            line = (
                f"    ×{multiple:<3} ramp {ramp:3}  n {len(ours.minutes):4}  ours {ours.said()}  oracle {oracle.said()}"
            )
            first, second = ours.ratios(oracle)
            share = ours.found() / oracle.found() if oracle.found() else float("nan")
            line += f"  ratio {first:4.2f} {second:4.2f} found {share:4.0%}"
            if ramp == 0:
                for key, made in others.items():
                    line += f"  {made[0].name} {_delays(cases, made, limits[key]).said()}"
                line += _split(cases)
            print(line)


def _split(cases: Sequence[Sequence[Injection]]) -> str:
    day, night = (
        Delays(tuple(x.delay for those in cases for x in those if x.by_day is by_day)) for by_day in (True, False)
    )
    return f"  day {day.said()} night {night.said()}"


def _limit(some: Sequence[Judged], made: Sequence[Peer], years: float, rate: float) -> float:
    return figures.threshold((figures.peaks(one, peer) for one, peer in zip(some, made, strict=True)), years, rate)


def _delays(cases: Sequence[Sequence[Injection]], made: Sequence[Peer], limit: float) -> Delays:
    pairs = zip(cases, made, strict=True)
    return Delays(tuple(figures.delay_of(peer, one, limit) for those, peer in pairs for one in those))


# ── three days at a hundredfold ──────────────────────────────────────────────────────────────────────────────────────


def long_surges(everything: Sequence[Judged], number: int = 9) -> None:
    """Three days at ×100: episodes, minutes to detection and to the declared and the true end, next week's baseline."""
    print("\nThree days at ×100")
    fit = [
        one.series for one in everything if one.series.mean() >= 0.1 and one.series.family not in ("polled", "hospital")
    ]
    step = max(len(fit) / number, 1)
    good = 0
    for which in range(min(number, len(fit))):
        good += _long_surge(fit[int(which * step)], which)
    print(f"  as wanted: {good} of {min(number, len(fit))}")


def _long_surge(series: Series, seed: int) -> bool:
    dice = np.random.default_rng([7, seed])
    busy = series.truth >= 0.05 * series.mean()
    fit = [at for at in injections.starts(series, 60, dice) if at + 12 * DAY < len(series.counts)]
    # Where doors are closed at the end nobody can say when it ended.
    fit = [at for at in fit if busy[at + 3 * DAY - 60 : at + 3 * DAY + 60].all()]
    fit = [at for at in fit if not any(first < at + 3 * DAY + 240 and end > at for first, end in series.events)]
    if not fit:
        print(f"  {series.name:24} has no three ordinary days")
        return False
    at = fit[len(fit) // 2]
    detector = Detector(series.zone)
    for minute, count in enumerate(series.counts[:at]):
        detector.step(time_of(series.start + minute), int(count))
    kept = pickle.dumps(detector)
    over = series.start + at + 3 * DAY
    begun, ended, found = [], [], None
    for minute, count in long_counts(series, at, 100, 72, 7 * DAY + 240, seed):
        event = detector.step(time_of(minute), count).event
        if event == "start":
            begun.append(minute - series.start - at + 1)
        if event == "end" and minute >= over and not ended:
            ended.append(minute - over + 1)
            found = detector.resting.ended - over
    spared = pickle.loads(kept)
    for minute in range(at, at + 10 * DAY + 240):
        spared.step(time_of(series.start + minute), int(series.counts[minute]))
    learned, right = (sum(m for m, _, _ in one.expect(time_of(over), 60, WEEK // 60)) for one in (detector, spared))
    good = len(begun) == 1 and bool(ended) and ended[0] <= 50 and abs(found) <= 10 and abs(learned / right - 1) <= 0.02
    print(
        f"  {series.name:24} episodes {len(begun)}, detected after {begun[:1]}, end declared after {ended[:1]},"
        f" true end off by {found}, next week {learned / right - 1:+.1%}{'' if good else '  MISSED'}"
    )
    return good


# ── the first days ───────────────────────────────────────────────────────────────────────────────────────────────────


def first_days(everything: Sequence[Judged], number: int = 6) -> None:
    """Three days of history, then ×10: the share seen within 15 minutes; and pages in a first week."""
    print("\nThree days of history, then ×10, on series of 0.3 a minute and more")
    shares, pages, weeks = [], 0, 0
    for one in everything:
        if one.series.mean() < 0.3 or one.series.family == "polled":
            continue
        delays, alarms = _first(one.series, number)
        pages, weeks = pages + alarms, weeks + len(delays)
        shares.append(fmean(delay <= 15 for delay in delays) if delays else 1.0)
        seen = ", ".join("–" if delay == injections.MISSED else f"{delay:.0f}" for delay in delays)
        print(f"  {one.series.name:24} after {seen} minutes; pages in those days {alarms}")
    print(f"  within 15 minutes: {fmean(shares):.0%}; pages in {weeks} times three days and a quiet week: {pages}")


def _first(series: Series, number: int) -> tuple[list[float], int]:
    dice = np.random.default_rng([3, *series.name.encode()])
    fit = [at for at in injections.starts(series, number * 2, dice) if at > 4 * DAY]
    delays, alarms = [], 0
    for at in fit[::2][:number]:
        detector = Detector(series.zone)
        for minute in range(at - 3 * DAY, at):
            alarms += detector.step(time_of(series.start + minute), int(series.counts[minute])).event == "start"
        was_open = detector.episode is not None
        one = Injection(at, 10, 0, 4, True, injections.injected(series, at, 10, 0, 4, dice))
        injections._look(detector, series, [one])
        if not was_open:
            delays.append(one.delay)
        for minute in range(at, min(at + 4 * DAY, len(series.counts))):
            alarms += detector.step(time_of(series.start + minute), int(series.counts[minute])).event == "start"
    return delays, alarms
