import random
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.voice.phone_people import wanted
from voice import standing
from voice.models import Callback
from voice.standing import STANDING, Wait, expected_wait

NUMBER = "+12015550123"


@pytest.mark.parametrize(
    ("rank", "called", "wait"),
    [
        (1, 2, None),
        (10, 10, Wait(25, 95)),
        (100, 100, Wait(45, 75)),
        # further off than anybody keeps a promise
        (1000, 12, None),
    ],
)
def test_the_wait_is_a_range_from_the_pace_of_the_last_hour(rank, called, wait):
    assert expected_wait(rank, called) == wait


def test_the_range_holds_in_eight_of_ten_cases():
    dice = random.Random(7)
    held = asked = 0
    for _ in range(1500):
        rate = dice.uniform(0.2, 1.5)
        counted = poisson(dice, rate * 60)
        rank = dice.randint(1, 60)
        if (wait := expected_wait(rank, counted)) is None:
            continue
        took = sum(dice.expovariate(rate) for _ in range(rank))
        asked, held = asked + 1, held + (wait.low <= took <= wait.high)
    assert asked > 1000
    assert held / asked > 0.75


def poisson(dice, mean):
    count, left = 0, mean
    while (left := left - dice.expovariate(1)) > 0:
        count += 1
    return count


@pytest.mark.django_db
def test_who_stands_in_the_list_is_known_with_their_place(line):
    wanted(line, NUMBER, minutes=30)
    wanted(line, "+12015550124", minutes=20)
    wanted(line, "+12015550125", simulated=True)
    called(line, 12)
    STANDING.refresh()
    assert standing.told(NUMBER) == (True, expected_wait(1, 12))
    assert standing.told("+12015550124") == (True, expected_wait(2, 12))
    assert standing.told("+12015550177") == (False, expected_wait(3, 12))
    assert standing.told("+12015550125") == (False, expected_wait(3, 12))
    assert standing.told("+12015550125", simulated=True)[0]


@pytest.mark.django_db
def test_from_an_old_copy_nothing_is_told(line, monkeypatch):
    wanted(line, NUMBER)
    called(line, 12)
    STANDING.refresh()
    monkeypatch.setattr(STANDING, "age", lambda: standing.STALE + 1)
    assert standing.told(NUMBER) == (False, None)


@pytest.mark.django_db
def test_asked_again_on_the_phone_the_caller_hears_that_it_stands(line, caller):
    wanted(line, NUMBER)
    called(line, 12)
    STANDING.refresh()
    heard = caller().dials().presses("1").heard
    assert "stands already" in heard
    assert "We expect to call you within 15 minutes." in heard


def called(line, count):
    for place in range(count):
        done = wanted(line, f"+1201555{9000 + place}")
        Callback.objects.filter(pk=done.pk).update(
            state=Callback.State.DONE, done_at=timezone.now() - timedelta(minutes=10)
        )
