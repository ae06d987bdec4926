"""How much evidence an excess is: against chance, against clumps, against a rate that is off."""

import math

import pytest

from triage.surge.outlook import LASTING, Outlook, clumped


def outlook(**values):
    usual = {
        "before": 1.0,
        "now": 1.0,
        "after": 1.0,
        "least": 1.0,
        "level": 1.0,
        "phi": 0.01,
        "doubt": 0.01,
        "clumping": 1.0,
    }
    return Outlook(**{**usual, "batching": 1.0, "known": True, **values})


def poisson(n, m):
    return n * math.log(n / m) - n + m


@pytest.mark.parametrize(("n", "m"), [(5, 0.1), (20, 4), (300, 100)])
def test_without_clumps_it_is_poisson_and_nearly_so_with_few(n, m):
    assert clumped(n, m, 1.0) == pytest.approx(poisson(n, m))
    assert clumped(n, m, 1.003) == pytest.approx(poisson(n, m), rel=0.05)


@pytest.mark.parametrize(("n", "m", "d"), [(8, 0.3, 1.6), (40, 10, 2.0), (200, 100, 3.0)])
def test_the_rate_of_clumps_is_the_supremum_that_it_is_said_to_be(n, m, d):
    q = (d - 1) / (d + 1)
    c = m * (1 - q)
    tried = (at / 10000 / q for at in range(1, 10000))
    best = max(n * math.log(z) - c * ((1 - q) * z / (1 - q * z) - 1) for z in tried if q * z < 1)
    assert clumped(n, m, d) == pytest.approx(best, rel=1e-3)


def test_a_small_excess_of_clumps_says_as_much_as_its_variance_allows():
    n, m, d = 1020, 1000, 2.5
    assert clumped(n, m, d) == pytest.approx((n - m) ** 2 / (2 * m * d), rel=0.05)


def test_without_clumps_the_evidence_is_that_of_a_negative_binomial():
    n, m, minutes = 60, 20, 30
    r = 1 / (0.01 / 1.5 + LASTING + 0.01)
    said = n * math.log(n / m) - (n + r) * math.log((n + r) / (m + r))
    assert outlook().evidence(n, m, minutes) == pytest.approx(said)


@pytest.mark.parametrize(
    ("more", "fewer"),
    [
        ({}, {"phi": 0.2}),
        ({}, {"doubt": 0.2}),
        ({}, {"clumping": 2.0}),
        ({}, {"batching": 4.0}),
    ],
)
def test_whatever_explains_an_excess_weakens_the_evidence(more, fewer):
    assert outlook(**fewer).evidence(20, 4, 5) < 0.9 * outlook(**more).evidence(20, 4, 5)


def test_batches_explain_short_excursions_alone():
    short, long = (outlook(batching=4.0).evidence(20, 4, t) / outlook().evidence(20, 4, t) for t in (3, 120))
    assert short < 0.5
    assert long > 0.9


@pytest.mark.parametrize(("minute", "expected"), [(0, 2.0), (3, 2.0), (7, 2.0), (14, 2 + 6 * 7 / 15)])
def test_what_is_expected_lies_between_quarters_and_never_below_its_own(minute, expected):
    assert outlook(before=0.0, now=2.0, after=8.0).expected()[minute] == pytest.approx(expected)
