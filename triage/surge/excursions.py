"""The two sums of the detector: an excursion that may become a surge, and the surge it became."""

import math
from dataclasses import dataclass, field

from triage.surge.outlook import Outlook

MULTIPLES = (1.7, 2.5, 8.0)
LOGS = tuple(math.log(k) for k in MULTIPLES)
DRIFTS = tuple(k - 1 for k in MULTIPLES)
MOST_S = 100.0
# Minutes after which an excursion is halved, so that a slow error of the baseline does not add up for ever.
MOST_T = 720
# Arrivals, the largest minute counting as the second largest, and their ratio to what is expected, below which nothing
# is a surge.
LEAST_ARRIVALS = 4
LEAST_RATIO = 1.5
# A year holds as many times more stretches as they are briefer, and any of them may look like a surge by chance: a
# brief excursion needs this many times the logarithm of that more, in nats.
BRIEF = 0.4
# What was called ordinary is forgotten after so many minutes in which it was not needed.
ALLOWED_CALM = 180
# Evidence in nats that a surge is over.
ENOUGH = 10.0
# A surge's last minute is looked for as if it had ended at each of these multiples, from mild to steep. What comes
# after a steeper end belongs to the surge when it is likelier at the surge's own rate than at the usual one, or when so
# many nats of evidence say that it is more than ordinary.
ENDS = (3.0, 6.0, 20.0, 100.0)
END_LOGS = tuple(math.log(k) for k in ENDS)
BELONGS = 5.0


@dataclass(slots=True)
class Crest:
    """The last minute of a surge that ended at one multiple, with the surge's sums up to it.

    `gain` is the log-likelihood ratio of the multiple and the usual rate so far, `best` the largest it has been: a
    change from the one to the other is likeliest right after (Hinkley 1970).
    """

    minute: int
    total: int
    expected: float
    gain: float = 0.0
    best: float = 0.0

    def goes_on(self, later: "Crest", outlook: Outlook) -> bool:
        """Whether what came from here until a later minute belongs to the surge."""
        n, m = later.total - self.total, max(later.expected - self.expected, 1e-6)
        ratio = max(self.total / max(self.expected, 0.01), 2.0)
        if n * math.log(ratio) >= (ratio - 1) * m:
            return True
        return outlook.evidence(n, m, later.minute - self.minute) >= BELONGS


@dataclass(slots=True)
class Episode:
    """One surge, times in minutes since EPOCH. `last` is the estimated last minute, with the sums up to it.

    `by_hand`: a manager said that it is one. `crests`: where it may have ended, by ENDS.
    """

    began: int
    detected: int
    total: int
    expected: float
    peak: float = 0.0
    ended: int | None = None
    last: int = 0
    last_total: int = 0
    last_expected: float = 0.0
    calm: int = 0
    by_hand: bool = False
    crests: list[Crest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.crests = [Crest(**one) if isinstance(one, dict) else one for one in self.crests]
        if not self.crests:
            # A new one, or saved before there were crests.
            self.crests = [Crest(self.last, self.last_total, self.last_expected) for _ in ENDS]

    def begin(self, minute: int) -> None:
        """Takes the sums so far for the beginning: `minute` is the last one in them."""
        self.last, self.last_total, self.last_expected = minute, self.total, self.expected
        self.crests = [Crest(minute, self.total, self.expected) for _ in ENDS]

    def begin_earlier(self, began: int, count: int, expected: float) -> None:
        """Takes in what came from `began` until the beginning so far."""
        self.began = began
        self.total, self.expected = self.total + count, self.expected + expected
        self.last_total, self.last_expected = self.last_total + count, self.last_expected + expected
        for crest in self.crests:
            crest.total, crest.expected = crest.total + count, crest.expected + expected

    def add(self, minute: int, count: int, expected: float) -> None:
        """Counts a minute in."""
        self.total += count
        self.expected += expected
        for crest, k, log in zip(self.crests, ENDS, END_LOGS, strict=True):
            crest.gain += count * log - (k - 1) * expected
            if crest.gain >= crest.best:
                crest.minute, crest.best = minute, crest.gain
                crest.total, crest.expected = self.total, self.expected

    def find_end(self, outlook: Outlook) -> None:
        """Estimates the last minute: where the steepest ended, and on while what came after it is no chance.

        So an end at a hundredfold is sharp, whatever clump follows it, and a tail at threefold still belongs to it.
        """
        *milder, last = self.crests
        for crest in reversed(milder):
            if crest.minute > last.minute and last.goes_on(crest, outlook):
                last = crest
        self.last, self.last_total, self.last_expected = last.minute, last.total, last.expected

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
        s = self.s + count * LOGS[which] - DRIFTS[which] * expected
        if s <= 0:
            if self.t:
                self.s = self.n = self.m = self.most = self.next = self.t = 0.0
            return
        if not self.t:
            self.began = minute
        self.s = s if s < MOST_S else MOST_S
        self.n += count
        self.m += expected
        self.t += 1
        if count > self.most:
            self.next, self.most = self.most, count
        elif count > self.next:
            self.next = count
        if self.t > MOST_T:
            self.n, self.m, self.t = self.n / 2, self.m / 2, self.t / 2

    def score(self, outlook: Outlook, worth: float = 0.0) -> float:
        """The evidence that what came is more than what was expected, in nats; 0 before two minutes.

        The briefer it is, the more is taken off: a year had as many more chances to show it (a penalty for scale, as in
        Dümbgen and Spokoiny 2001). The largest minute counts as the second largest (a winsorised sum: Dixon 1960): a
        batch or a catch-up in one minute is never a surge, and a steady rise loses next to nothing. Where `worth` is
        given, what is left without the two largest minutes (a trimmed sum) counts too, so many times, whatever its
        length: the score is the larger of both.
        """
        n, m, t = self.n - self.most + self.next, max(self.m, 1e-6), self.t
        least = max(LEAST_ARRIVALS, LEAST_RATIO * m)
        if n < least or t < 2:
            return 0.0
        score = outlook.evidence(n, m, t) - BRIEF * math.log(MOST_T / t)
        n = self.n - self.most - self.next
        return max(score, worth * outlook.evidence(n, m, t) if worth and n >= least else 0.0)
