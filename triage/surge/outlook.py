"""What is expected in one quarter of an hour, how sure that is, and how much evidence against it an excess is."""

import math
from typing import NamedTuple

QUARTER = 15
# Minutes after which a deviation of the rate has half forgotten itself; and what lasts all day (squared, relative).
MEMORY = 60.0
LASTING = 0.018
# Squared relative doubt where the expected rate rises from nothing or falls to it: doors open a little early or late.
EDGE = 0.05
# A batch that is split between two minutes is one: how arrivals clump by the minute counts in so short excursions.
SHORT = 3.0
# Below this share of clumped arrivals they are as good as single.
SINGLE = 1e-3
# How far the minutes of a quarter lie from its middle, towards it and on, as shares of a quarter.
TOWARDS = tuple(away / QUARTER for away in range(QUARTER // 2, 0, -1))
ONWARDS = tuple(away / QUARTER for away in range(QUARTER - QUARTER // 2))


class Outlook(NamedTuple):
    """One quarter of an hour of one series; a tuple, which is made quickly.

    Rates are arrivals a minute, without trend: before it, in it, after it.

    `least`: what may be relied on, whatever minute doors open and close in. `level`: the trend. `phi`: dispersion.
    `doubt`: squared relative uncertainty of the rate, as far as it counts against an excess. `clumping` and `batching`:
    variance over mean of five-minute and of one-minute counts. `known`: what is normal is known well enough to judge.
    `seen`: this hour of this kind of day has been seen itself. `closed`: next to nobody ever came at it.
    """

    before: float
    now: float
    after: float
    least: float
    level: float
    phi: float
    doubt: float
    clumping: float
    batching: float
    known: bool
    seen: bool = True
    closed: bool = False

    def expected(self) -> list[float]:
        """Arrivals in each minute: the larger of the cell and the straight line between cells, times the trend, so
        that sharp edges do not page."""
        now, level = self.now, self.level
        before, after, flat = self.before - now, self.after - now, [now * level]
        first = [(now + before * away) * level for away in TOWARDS] if before > 0 else flat * len(TOWARDS)
        rest = [(now + after * away) * level for away in ONWARDS] if after > 0 else flat * len(ONWARDS)
        return first + rest

    def evidence(self, n: float, m: float, minutes: float) -> float:
        """Nats of evidence that `n` arrivals where `m` were expected, in so many minutes, are more than ordinary.

        The ordinary explanation that fits best is taken: a rate that is off by a factor ρ, at the price of a gamma
        distribution of mean 1 and shape r, r (ρ − 1 − ln ρ), and arrivals that come in geometric clumps about it, at
        the price that `clumped` says. Without clumps this is the log-likelihood ratio of a negative binomial,
        n ln(n/m) − (n + r) ln((n + r)/(m + r)). 1/r falls with the length of the excursion, for what is off by chance
        now is not off for long; what `doubt` and LASTING say stays.
        """
        r = 1 / (self.phi / (1 + minutes / MEMORY) + LASTING + self.doubt)
        d = self.clumping
        if self.batching > d:
            d += (self.batching - d) * (SHORT / minutes if minutes > SHORT else 1.0)
        rho = (n / d + r) / (m / d + r)
        if n <= rho * m:
            return 0.0
        return clumped(n, rho * m, d) + r * (rho - 1 - math.log(rho))


def clumped(n: float, m: float, d: float) -> float:
    """Cramér's rate (1938) of `n` arrivals or more where `m` are expected, in clumps with variance/mean `d`.

    Clumps of geometric size with parameter q = (d − 1)/(d + 1) make a Pólya–Aeppli distribution (Johnson, Kemp and
    Kotz 2005, 9.7) of c = m (1 − q) clumps. The rate is sup over z of n ln z − c ((1 − q) z/(1 − q z) − 1), where
    n (1 − q z)² = c (1 − q) z; for q = 0 it is Poisson's, n ln(n/m) − n + m.
    """
    q = (d - 1) / (d + 1)
    if q < SINGLE:
        return n * math.log(n / m) - n + m
    c = m * (1 - q)
    b = 2 * q + c * (1 - q) / n
    z = 2 / (b + math.sqrt(b * b - 4 * q * q))
    return n * math.log(z) - c * ((1 - q) * z / (1 - q * z) - 1)
