"""The two sums of the detector: an excursion that may become a surge, and the surge it became."""

import math
from dataclasses import dataclass

from triage.surge.outlook import Outlook

MULTIPLES = (1.7, 2.5, 5.0, 20.0)
LOGS = tuple(math.log(k) for k in MULTIPLES)
MOST_S = 100.0
# Minutes after which an excursion is halved, so that a slow error of the baseline does not add up for ever.
MOST_T = 720
# Arrivals, the largest minute counting as the second largest, and their ratio to what is expected, below which nothing
# is a surge.
LEAST_ARRIVALS = 4
LEAST_RATIO = 1.5
# What was called ordinary is forgotten after so many minutes in which it was not needed.
ALLOWED_CALM = 180
# Evidence in nats that a surge is over.
ENOUGH = 10.0


@dataclass(slots=True)
class Episode:
    """One surge, times in minutes since EPOCH. `last` is the estimated last minute, with the sums up to it.

    `by_hand`: a manager said that it is one.
    """

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
    by_hand: bool = False

    def begin(self, minute: int) -> None:
        """Takes the sums so far for the beginning: `minute` is the last one in them."""
        self.gain = self.best_gain = self.total - LEAST_RATIO * self.expected
        self.last, self.last_total, self.last_expected = minute, self.total, self.expected

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

    def ratio(self) -> float:
        """Times normal, up to its last minute."""
        return self.last_total / max(self.last_expected, 0.01)

    def is_calm(self, seen: float, expected: float) -> bool:
        """Whether a stretch of time with so many arrivals belongs to the surge no more.

        It keeps to what is ordinary, and all that came since the surge's last minute is likelier without the surge than
        with it, by ENOUGH nats: (R − 1) m − x ln R, the log-likelihood ratio of two Poisson rates (Wald 1945).
        """
        ratio = max(self.ratio(), 2.0)
        for_calm = (ratio - 1) * (self.expected - self.last_expected)
        for_calm -= math.log(ratio) * (self.total - self.last_total)
        return for_calm >= ENOUGH and seen < 1.5 * expected + 3 * math.sqrt(expected) + 1


@dataclass(slots=True)
class Allowance:
    """So many times the expected is ordinary: a manager said so, or a week has shown it.

    `calm`: minutes in which it was not needed, less those in which it was.
    """

    times: float
    calm: int = 0

    def is_forgotten(self, seen: float, expected: float) -> bool:
        """Takes what came in the last minutes; true when it has not been needed for hours."""
        self.calm = max(self.calm + (-3 if seen > LEAST_RATIO * expected else 1), 0)
        return self.calm > ALLOWED_CALM


@dataclass(slots=True)
class Excursion:
    """A CUSUM and what came since it left zero. `most` and `next` are its two largest minutes."""

    s: float = 0.0
    n: float = 0.0
    m: float = 0.0
    most: float = 0.0
    next: float = 0.0
    t: float = 0.0
    began: int = 0

    def add(self, minute: int, count: float, expected: float, which: int) -> None:
        """Page's CUSUM (1954) for the multiple k: S += x ln k − (k − 1) m; at zero it forgets."""
        s = self.s + count * LOGS[which] - (MULTIPLES[which] - 1) * expected
        if s <= 0:
            if self.t:
                self.s = self.n = self.m = self.most = self.next = self.t = 0.0
            return
        if not self.t:
            self.began = minute
        self.s = min(s, MOST_S)
        self.n, self.m, self.t = self.n + count, self.m + expected, self.t + 1
        if count > self.most:
            self.next, self.most = self.most, count
        elif count > self.next:
            self.next = count
        if self.t > MOST_T:
            self.n, self.m, self.t = self.n / 2, self.m / 2, self.t / 2

    def score(self, outlook: Outlook, worth: float = 0.0) -> float:
        """The evidence that what came is more than what was expected, in nats; 0 before two minutes.

        The largest minute counts as the second largest (a winsorised sum: Dixon 1960): a batch or a catch-up in one
        minute is never a surge, and a steady rise loses next to nothing. Where `worth` is given, what is left without
        the two largest minutes (a trimmed sum) counts too, so many times: the score is the larger of both.
        """
        score = self._evidence(outlook, self.n - self.most + self.next)
        return max(score, worth * self._evidence(outlook, self.n - self.most - self.next)) if worth else score

    def _evidence(self, outlook: Outlook, n: float) -> float:
        m = max(self.m, 1e-6)
        if n < LEAST_ARRIVALS or n < LEAST_RATIO * m or self.t < 2:
            return 0.0
        return outlook.evidence(n, m, self.t)
