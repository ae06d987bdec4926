"""The tables of false pages and delays that the benchmark prints, with the goals beside them."""

import math
from collections.abc import Iterable, Sequence

from tests.bench.surges import figures, peers
from tests.bench.surges.figures import LEAST_RATE, Delays
from tests.bench.surges.injections import MULTIPLES, RAMPS, Injection, Judged
from tests.bench.surges.peers import Peer
from triage.surge.quarters import time_of

VOLUMES = {"0.3 a minute and more": (0.3, 1e9), "0.1 to 0.3": (0.1, 0.3), "below 0.1": (0.0, 0.1)}
# The goals: median and 95th percentile as multiples of the oracle's, and the share of what it finds that is found.
# Nobody who waits for a second minute, lest one batch pages, is faster than FLOOR minutes.
GOALS = {10: (1.5, 1.5, 0.0), 5: (1.7, 2.0, 0.0), 3: (2.0, math.inf, 0.9)}
FLOOR = 2.0
# The goal at a hundredfold, in minutes, and where less than 0.1 a minute is usual.
HUNDREDFOLD, HUNDREDFOLD_RARE = (2.0, 3.0), (5.0, 12.0)


def rate_of(some: Iterable[Judged]) -> tuple[int, float]:
    some = list(some)
    return sum(len(one.false_alarms()) for one in some), sum(one.series.years() for one in some)


def false_pages(everything: Sequence[Judged]) -> None:
    print("False pages per series-year, with exact Poisson intervals (95 %)")
    groups = {one.series.family: [] for one in everything}
    for one in everything:
        groups[one.series.family].append(one)
    alone = [one for one in everything if one.series.family != "corners"]
    groups |= {"all real": [one for one in alone if one.series.family != "simulated"], "everything": alone}
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
    limits = {key: figures.limit(some, made, years, rate) for key, made in others.items()}
    for made in others.values():
        alarms = sum(
            int((figures.peaks(one, peer) >= peer.textbook).sum()) for one, peer in zip(some, made, strict=True)
        )
        print(f"    {made[0].name} at its textbook threshold: {alarms / years:.0f} false alarms a year")
    for multiple in MULTIPLES:
        oracles = [peers.oracle(one.series, multiple) for one in some]
        limit = figures.limit(some, oracles, years, rate)
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
                line += f"  {_verdict(multiple, name, ours, oracle):7}"
                for key, made in others.items():
                    line += f"  {made[0].name} {_delays(cases, made, limits[key]).said()}"
                line += _split(cases)
            print(line)


def _verdict(multiple: int, volume: str, ours: Delays, oracle: Delays) -> str:
    """Whether the goal is reached; empty where there is none. Where the oracle misses, there is nothing to compare."""
    median, high = (figures.quantile(ours.minutes, share) for share in (0.5, 0.95))
    if multiple == 100:
        goal = HUNDREDFOLD_RARE if volume == "below 0.1" else HUNDREDFOLD
        return "reached" if median <= goal[0] and high <= goal[1] else "MISSED"
    if multiple not in GOALS:
        return ""
    goals = GOALS[multiple]
    best = [figures.quantile(oracle.minutes, share) for share in (0.5, 0.95)]
    pairs = zip((median, high), best, goals[:2], strict=True)
    fast = all(mine <= max(limit * other, FLOOR) or other == math.inf for mine, other, limit in pairs)
    return "reached" if fast and ours.found() >= goals[2] * oracle.found() else "MISSED"


def _split(cases: Sequence[Sequence[Injection]]) -> str:
    day, night = (
        Delays(tuple(x.delay for those in cases for x in those if x.by_day is by_day)) for by_day in (True, False)
    )
    return f"  day {day.said()} night {night.said()}"


def _delays(cases: Sequence[Sequence[Injection]], made: Sequence[Peer], limit: float) -> Delays:
    pairs = zip(cases, made, strict=True)
    return Delays(tuple(figures.delay_of(peer, one, limit) for those, peer in pairs for one in those))
