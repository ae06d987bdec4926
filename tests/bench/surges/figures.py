"""From delays and scores to figures: thresholds for a rate of false alarms, Poisson intervals, medians with misses."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.surges.injections import MISSED, Injection, Judged
from tests.bench.surges.peers import LEAD, Peer

# The rate at which others' thresholds are set is ours, but at least this.
LEAST_RATE = 0.3
# Exceedances in so many minutes are one alarm.
BLOCK = 720


def poisson_interval(number: int, years: float) -> tuple[float, float]:
    """95 % interval of a rate a year (Garwood 1936), from `number` events in so many years."""

    def below(mean: float, most: int) -> float:
        return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(most + 1)) if mean else 1.0

    def solve(target: float, most: int) -> float:
        low, high = 0.0, 10.0 + 3 * number + 6 * math.sqrt(number)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle, most) > target else (low, middle)
        return low

    least = solve(0.975, number - 1) if number else 0.0
    return least / years, solve(0.025, number) / years


def quantile(delays: Sequence[float], share: float) -> float:
    """The delay within which this share was found; infinite where it was not."""
    return sorted(delays)[max(math.ceil(share * len(delays)) - 1, 0)] if delays else MISSED


def peaks(judged: Judged, peer: Peer) -> np.ndarray:
    """The largest score in every block of ordinary minutes: each above the threshold is one false alarm."""
    scores = np.where(judged.series.ordinary(), peer.clean, -1.0)[judged.series.judged[0] : judged.series.judged[1]]
    return np.maximum.reduceat(scores, np.arange(0, len(scores), BLOCK))


def threshold(found: Iterable[np.ndarray], years: float, rate: float) -> float:
    """The least threshold at which these series give no more than `rate` false alarms a year, but one at least."""
    all_peaks = np.sort(np.concatenate(list(found)))[::-1]
    allowed = max(round(rate * years), 1)
    return float(np.nextafter(all_peaks[min(allowed, len(all_peaks) - 1)], np.inf))


def limit(some: Sequence[Judged], made: Sequence[Peer], years: float, rate: float) -> float:
    """The threshold of a peer that was made for each of these series."""
    return threshold((peaks(one, peer) for one, peer in zip(some, made, strict=True)), years, rate)


def delay_of(peer: Peer, one: Injection, limit: float) -> float:
    """Minutes after the surge began until this peer's score reaches the threshold."""
    above = peer.score(one.counts, one.at - LEAD) >= limit
    return float(above.argmax() + 1) if above.any() else MISSED


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays of one detector over the same injections."""

    minutes: tuple[float, ...]

    def found(self) -> float:
        return sum(one < MISSED for one in self.minutes) / max(len(self.minutes), 1)

    def said(self) -> str:
        median, high = (_short(quantile(self.minutes, share)) for share in (0.5, 0.95))
        return f"{self.found():4.0%} {median:>4}/{high:<4}"

    def ratios(self, other: "Delays") -> tuple[float, float]:
        """Medians and 95th percentiles over the other's; NaN where the other has none."""
        pairs = [(quantile(self.minutes, share), quantile(other.minutes, share)) for share in (0.5, 0.95)]
        first, second = (ours / theirs if theirs < MISSED else math.nan for ours, theirs in pairs)
        return first, second


def _short(minutes: float) -> str:
    return "–" if minutes == MISSED else f"{minutes:.0f}"
