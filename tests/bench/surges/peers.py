"""What detectors say beside ours, as scores by the minute: an oracle, EWMA, EARS C2, Farrington's. All vectorised.

Each prepares itself once for a series and then scores any window of it, with or without an injection. What a peer
learns from lies before the window, so that an injection never spoils a peer's own baseline.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.bench.surges.series import WEEK, Series

DAY = 1440
# Minutes over which EARS and Farrington's count, and the weight of the newest minute in EWMA.
WINDOW = 15
LAMBDA = 0.1


@dataclass(slots=True)
class Peer:
    """`textbook`: the threshold one reads of. `score(counts, at)`: scores of counts that stand from index `at` on.

    The counts include the `LEAD` minutes before the window, whose scores are left out.
    """

    name: str
    textbook: float
    clean: np.ndarray
    score: Callable[[np.ndarray, int], np.ndarray]


LEAD = 60


def _window_sums(counts: np.ndarray) -> np.ndarray:
    sums = np.cumsum(np.concatenate([np.zeros(WINDOW), counts]))
    return sums[WINDOW:] - sums[:-WINDOW]


def _lagged(values: np.ndarray, lags: list[int]) -> np.ndarray:
    """Rows: the values so many minutes earlier; NaN before the beginning."""
    found = np.full((len(lags), len(values)), np.nan)
    for row, lag in zip(found, lags, strict=True):
        row[lag:] = values[: len(values) - lag]
    return found


def _by_window(mean: np.ndarray, spread: np.ndarray) -> Callable[[np.ndarray, int], np.ndarray]:
    def score(counts: np.ndarray, at: int) -> np.ndarray:
        window = slice(at, at + len(counts))
        z = (_window_sums(counts) - mean[window]) / spread[window]
        return np.nan_to_num(z, nan=0.0)[LEAD:]

    return score


def ears_c2(series: Series) -> Peer:
    """EARS C2 (Hutwagner and others 2003): seven days at this time of day, with two days of guard."""
    past = _lagged(_window_sums(series.counts), [day * DAY for day in range(3, 10)])
    score = _by_window(past.mean(0), np.maximum(past.std(0, ddof=1), 0.5))
    return _peer("EARS C2", 3.0, series, score)


def farrington(series: Series) -> Peer:
    """After Farrington and others 1996: this time of the week in six past weeks, ±30 minutes, 2/3-power residual."""
    lags = [week * WEEK + near for week in range(1, 7) for near in (-30, -15, 0, 15, 30)]
    with np.errstate(all="ignore"):
        past = _lagged(_window_sums(series.counts), lags)
        seen = np.maximum((~np.isnan(past)).sum(0), 1)
        mean = np.maximum(np.nansum(past, 0) / seen, 0.1)
        dispersion = np.maximum(np.nansum((past - mean) ** 2, 0) / np.maximum(seen - 1, 1) / mean, 1.0)
        mean[np.isnan(past).all(0)] = np.nan
        # The deviation of x^(2/3) about mean^(2/3), of a new count and of the estimated mean.
        spread = 2 / 3 * mean ** (1 / 6) * np.sqrt(dispersion * (1 + 1 / seen))

    def score(counts: np.ndarray, at: int) -> np.ndarray:
        window = slice(at, at + len(counts))
        z = (_window_sums(counts) ** (2 / 3) - mean[window] ** (2 / 3)) / spread[window]
        return np.nan_to_num(z, nan=0.0)[LEAD:]

    return _peer("Farrington-like", 2.58, series, score)


def ewma(series: Series) -> Peer:
    """EWMA chart (Roberts 1959) of minutes about the mean and deviation of the same hour in the seven days before."""
    hour = np.convolve(series.counts, np.ones(60) / 60)[: len(series.counts)]
    square = np.convolve(series.counts.astype(float) ** 2, np.ones(60) / 60)[: len(series.counts)]
    lags = [day * DAY - 30 for day in range(1, 8)]
    mean, second = _lagged(hour, lags).mean(0), _lagged(square, lags).mean(0)
    spread = np.sqrt(np.maximum(second - mean**2, 1 / 60) * LAMBDA / (2 - LAMBDA))
    weights = LAMBDA * (1 - LAMBDA) ** np.arange(LEAD)

    def score(counts: np.ndarray, at: int) -> np.ndarray:
        window = slice(at, at + len(counts))
        off = np.nan_to_num(counts - mean[window])
        return np.nan_to_num(np.convolve(off, weights)[: len(off)] / spread[window])[LEAD:]

    return _peer("EWMA", 3.0, series, score)


def oracle(series: Series, multiple: float) -> Peer:
    """A Poisson CUSUM (Page 1954) that knows what is usual and how large the surge will be."""
    drift, worth = (multiple - 1) * series.truth, np.log(multiple)
    total = np.cumsum(series.counts * worth - drift)
    clean = total - np.minimum.accumulate(np.minimum(total, 0.0))

    def score(counts: np.ndarray, at: int) -> np.ndarray:
        first = at + LEAD
        gains = counts[LEAD:] * worth - drift[first : at + len(counts)]
        path = clean[first - 1] + np.cumsum(gains)
        return path - np.minimum.accumulate(np.minimum(path, 0.0))

    return Peer("oracle", 0.0, clean.astype(np.float32), score)


def _peer(name: str, textbook: float, series: Series, score: Callable[[np.ndarray, int], np.ndarray]) -> Peer:
    padded = np.zeros(LEAD, np.float32)
    return Peer(name, textbook, np.concatenate([padded, score(series.counts, 0)]).astype(np.float32), score)


PEERS = (ewma, ears_c2, farrington)
