"""The two sums of the detector: an excursion that may become a surge, and the surge it became."""

import math
from dataclasses import dataclass

MULTIPLES = (1.7, 2.5, 5.0, 20.0)
LOGS = tuple(math.log(k) for k in MULTIPLES)
MOST_S = 100.0
# Minutes after which an excursion is halved, so that a slow error of the baseline does not add up for ever.
MOST_T = 720
# Arrivals besides the largest minute, and their ratio to what is expected, below which nothing is a surge.
LEAST_ARRIVALS = 5
LEAST_RATIO = 1.5


@dataclass(slots=True)
class Episode:
    """One surge, times in minutes since EPOCH. `last` is the estimated last minute, with the sums up to it."""

    began: int
    detected: int
    total: int
    expected: float
    peak: float = 0.0
    ended: int | None = None
    gain: float = 0.0
    best_gain: float = 0.0
    last: int = 0
    last_total: int = 0
    last_expected: float = 0.0
    calm: int = 0

    def add(self, minute: int, count: int, expected: float) -> None:
        """Counts a minute in. The true end is where the excess over a multiple of what is expected was largest.

        The multiple lies between the usual and the surge (the root of its ratio), as for a change-point; it is bounded,
        so that the long tail of a great surge still belongs to it.
        """
        self.total += count
        self.expected += expected
        ratio = self.total / max(self.expected, 0.01)
        self.gain += count - min(max(math.sqrt(ratio), 1.5), 4.0) * expected
        if self.gain >= self.best_gain:
            self.best_gain, self.last = self.gain, minute
            self.last_total, self.last_expected = self.total, self.expected


@dataclass(slots=True)
class Excursion:
    """A CUSUM and what came since it left zero."""

    s: float = 0.0
    n: float = 0.0
    m: float = 0.0
    most: float = 0.0
    most_m: float = 0.0
    t: float = 0.0
    began: int = 0

    def add(self, minute: int, count: float, expected: float, which: int) -> None:
        s = self.s + count * LOGS[which] - (MULTIPLES[which] - 1) * expected
        if s <= 0:
            self.s = self.n = self.m = self.most = self.most_m = self.t = 0.0
            return
        if not self.t:
            self.began = minute
        self.s = min(s, MOST_S)
        self.n, self.m, self.t = self.n + count, self.m + expected, self.t + 1
        if count > self.most:
            self.most, self.most_m = count, expected
        if self.t > MOST_T:
            self.n, self.m, self.t = self.n / 2, self.m / 2, self.t / 2

    def score(self, phi: float, doubt: float, clumping: float) -> float:
        """Log-likelihood ratio of a negative binomial with its rate set free against the expected one."""
        n, m = self.n - self.most, max(self.m - self.most_m, 1e-6)
        if n < LEAST_ARRIVALS or n < LEAST_RATIO * m:
            return 0.0
        r = 1 / (phi / (1 + self.t / 60) + doubt / 2)
        return (n * math.log(n / m) - (n + r) * math.log((n + r) / (m + r))) / clumping
