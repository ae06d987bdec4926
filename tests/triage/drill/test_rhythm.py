import random
from datetime import UTC, datetime, timedelta

import pytest

from triage.drill.rhythm import flood_offsets, ordinary_times, poisson, rate

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def test_an_average_week_has_the_volume_asked_for():
    minutes = (MONDAY + timedelta(minutes=n) for n in range(7 * 24 * 60))
    assert sum(rate(minute, 1000) for minute in minutes) == pytest.approx(7000)


def test_mornings_are_busier_than_nights_and_weekdays_busier_than_sundays():
    assert rate(MONDAY.replace(hour=9), 1000) > 10 * rate(MONDAY.replace(hour=3), 1000)
    assert rate(MONDAY.replace(hour=9), 1000) > 3 * rate(MONDAY.replace(hour=9) - timedelta(days=1), 1000)


def test_times_come_in_order_and_in_the_span():
    times = list(ordinary_times(MONDAY, MONDAY + timedelta(days=1), 1000, random.Random(1)))
    assert times == sorted(times)
    assert MONDAY <= times[0] <= times[-1] < MONDAY + timedelta(days=1)
    assert len(times) == pytest.approx(1400, rel=0.1)  # Mondays are busy


@pytest.mark.parametrize("mean", [0.1, 1, 20])
def test_draws_have_the_mean_and_variance_of_a_poisson_distribution(mean):
    dice = random.Random(7)
    draws = [poisson(mean, dice) for _ in range(4000)]
    average = sum(draws) / len(draws)
    assert average == pytest.approx(mean, rel=0.1)
    assert sum((draw - average) ** 2 for draw in draws) / len(draws) == pytest.approx(mean, rel=0.15)


def test_the_flood_has_its_rate():
    assert len(flood_offsets(70, 4, random.Random(3))) == pytest.approx(280, abs=60)
