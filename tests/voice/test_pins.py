from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import check_password
from django.utils import timezone

from tests.house import person
from tests.voice.phone_people import in_threads
from tickets.models import AuditEntry
from voice import pins
from voice.models import DialIn, PinAttempt
from voice.plan import PLAN, may_dial_in

PIN, MINE = "480917", "+12015550177"
RIGHT, WRONG, REFUSED = "right", "wrong", "refused"


@pytest.fixture
def maya(db):
    manager = person("manager", "Maya Okafor")
    pins.keep(manager, [MINE], PIN)
    return manager


def enter(pin, sid="CA1", place=0, number=MINE):
    found = pins.check(number, pin, sid=sid, place=place, wanted=lambda: None)
    return found and found.outcome


@pytest.mark.parametrize(
    ("pin", "numbers", "why"),
    [
        ("480917", [], ""),
        ("4809171", [], ""),
        ("48091", [], "6 to 12 digits"),
        ("4809174809171", [], "6 to 12 digits"),
        ("48091a", [], "6 to 12 digits"),
        ("٤٨٠٩١٧", [], "6 to 12 digits"),
        ("111111", [], "first that anybody"),
        ("121212", [], "first that anybody"),
        ("123456", [], "first that anybody"),
        ("890123", [], "first that anybody"),
        ("987654", [], "first that anybody"),
        ("479479", [], "repeats itself"),
        ("555017", ["+12015550177"], "part of your phone number"),
        ("555018", ["+12015550177"], ""),
    ],
)
def test_what_may_be_a_pin(pin, numbers, why):
    said = pins.weakness(pin, numbers)
    assert why in said
    assert bool(said) == bool(why)


@pytest.mark.parametrize(
    ("of_number", "of_all", "locked"),
    [(0, 0, ""), (4, 19, ""), (5, 5, "number"), (4, 20, "all"), (5, 20, "number"), (9, 0, "number")],
)
def test_what_wrong_pins_lock(of_number, of_all, locked):
    assert pins.lock(of_number, of_all) == locked


def test_the_pin_is_kept_hashed_and_stands_nowhere_else(maya):
    enter("739150")
    owner = DialIn.objects.get()
    assert PIN not in owner.pin
    assert check_password(PIN, owner.pin)
    kept = [*PinAttempt.objects.values(), *AuditEntry.objects.values()]
    assert kept
    assert not any(secret in str(row) for row in kept for secret in (PIN, "739150", owner.pin))


def test_the_right_one_is_right_and_written_down(maya):
    assert enter(PIN) == RIGHT
    told = AuditEntry.objects.get(action="dial_in.right")
    assert (told.by, told.target, told.detail["number"]) == (maya, maya.username, MINE)


def test_a_wrong_one_is_written_down_as_nobodys(maya):
    assert enter("739150") == WRONG
    told = AuditEntry.objects.get(action="dial_in.wrong")
    assert (told.by, told.target) == (None, maya.username)


def test_from_another_number_no_pin_is_taken(maya):
    assert enter(PIN, number="+12015550178") is None
    assert not PinAttempt.objects.exists()


def test_asked_again_by_the_same_call_it_is_one_attempt_with_one_answer(maya):
    assert [enter("739150"), enter("739150"), enter(PIN)] == [WRONG, WRONG, WRONG]
    assert enter(PIN, place=1) == RIGHT
    assert PinAttempt.objects.count() == 2


def test_five_wrong_ones_lock_the_number_even_for_the_right_one(maya):
    for place in range(pins.OF_NUMBER):
        assert enter("739150", place=place) == WRONG
    assert enter(PIN, place=9) == REFUSED
    assert pins.locked(DialIn.objects.get(), timezone.now())
    assert list(PinAttempt.objects.exclude(locks="").values_list("place", "locks")) == [(4, "number")]
    with time_machine.travel(timezone.now() + pins.OF_NUMBER_FOR - timedelta(minutes=1)):
        assert enter(PIN, place=10) == REFUSED
    with time_machine.travel(timezone.now() + pins.OF_NUMBER_FOR + timedelta(minutes=1)):
        assert enter(PIN, place=11) == RIGHT


def test_while_no_pin_is_taken_none_is_hashed(maya, monkeypatch):
    for place in range(pins.OF_NUMBER):
        enter("739150", place=place)
    monkeypatch.setattr(pins, "check_password", lambda *_: pytest.fail("hashing is what an attacker could cost us"))
    assert enter(PIN, place=9) == REFUSED


def test_a_right_one_forgives_those_before_it(maya):
    for place in range(pins.OF_NUMBER - 1):
        enter("739150", place=place)
    assert enter(PIN, place=8) == RIGHT
    assert enter("739150", place=9) == WRONG
    assert enter(PIN, place=10) == RIGHT


def test_a_new_pin_unlocks_and_the_old_one_is_wrong(maya):
    for place in range(pins.OF_NUMBER):
        enter("739150", place=place)
    pins.keep(maya, [MINE], "602483")
    assert enter(PIN, place=8) == WRONG
    assert enter("602483", place=9) == RIGHT


def test_many_wrong_ones_over_all_numbers_lock_all_and_not_for_ever(maya, monkeypatch):
    monkeypatch.setattr(pins, "OF_ALL", 6)
    others = []
    for number in range(3):
        others.append(f"+1201555016{number}")
        pins.keep(person("manager"), [others[-1]], "739150")
    for place in range(2):
        for number in others:
            enter(PIN, sid=number, place=place, number=number)
    assert enter(PIN) == REFUSED
    assert list(PinAttempt.objects.exclude(locks="").values_list("locks", flat=True)) == ["all"]
    with time_machine.travel(timezone.now() + pins.OF_ALL_FOR + timedelta(minutes=1)):
        assert enter(PIN, place=2) == RIGHT


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_moment_get_no_more_guesses_than_one_after_another():
    pins.keep(person("manager"), [MINE], PIN)
    outcomes = in_threads(lambda number: enter("739150", sid=f"CA{number}"), 9)
    assert sorted(outcomes) == [REFUSED] * 4 + [WRONG] * pins.OF_NUMBER
    assert PinAttempt.objects.exclude(locks="").count() == 1


def test_only_managers_numbers_are_asked_for_a_pin_and_only_while_they_are(maya, django_assert_num_queries):
    agent = person("agent")
    pins.keep(agent, ["+12015550166"], "602483")
    with django_assert_num_queries(1):
        assert pins.numbers_let_in() == [MINE]
    PLAN.refresh()
    assert may_dial_in(MINE)
    assert not may_dial_in("+12015550166")
    assert not may_dial_in("")
    assert enter("602483", number="+12015550166") is None
    maya.groups.clear()
    assert pins.numbers_let_in() == []
    assert enter(PIN) is None


def test_people_who_left_are_not_let_in(maya):
    maya.is_active = False
    maya.save()
    assert pins.numbers_let_in() == []
    assert enter(PIN) is None


def test_a_number_is_one_persons_and_nothing_is_changed_by_trying_to_take_it(maya):
    with pytest.raises(pins.Taken):
        pins.keep(person("manager"), ["+12015550166", MINE], "602483")
    assert DialIn.objects.count() == 1


def test_taken_away_attempts_stay_and_count(maya):
    enter("739150")
    assert pins.take_away(maya)
    assert not pins.take_away(maya)
    assert PinAttempt.objects.get().dial_in is None
    assert AuditEntry.objects.filter(action="dial_in.remove").count() == 1


def test_each_lockout_is_taken_once(maya):
    for place in range(pins.OF_NUMBER + 2):
        enter("739150", place=place)
    [row] = pins.take_lockouts(timezone.now())
    assert (row.number, row.locks) == (MINE, "number")
    assert pins.take_lockouts(timezone.now()) == []


def test_attempts_that_no_rule_needs_are_forgotten_and_lock_nothing_less(maya):
    for place in range(pins.OF_NUMBER):
        enter("739150", place=place)
    old = timezone.now() - pins.KEPT
    PinAttempt.objects.filter(place__lt=2).update(at=old - timedelta(hours=1))
    assert pins.forget(old) == 2
    assert sorted(PinAttempt.objects.values_list("place", flat=True)) == [2, 3, 4]
    assert max(pins.OF_NUMBER_FOR, pins.OF_ALL_FOR) < pins.KEPT
    assert AuditEntry.objects.filter(action="dial_in.wrong").count() == pins.OF_NUMBER


def test_a_lockout_that_nobody_was_told_of_is_not_forgotten(maya):
    for place in range(pins.OF_NUMBER):
        enter("739150", place=place)
    old = timezone.now() - pins.KEPT
    PinAttempt.objects.update(at=old)
    assert pins.forget(timezone.now()) == pins.OF_NUMBER - 1
    assert pins.take_lockouts(timezone.now())
    assert pins.forget(timezone.now()) == 1
