from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.voice.phone_people import in_threads, make_agent, wanted
from tickets.models import AuditEntry, Problem, Ticket
from voice import callbacks
from voice.models import Callback

pytestmark = pytest.mark.django_db


def test_one_number_has_one_open_callback_whatever_the_incident(line):
    first = wanted(line)
    problem = Problem.objects.create(title="Logins fail", opened_at=timezone.now())
    assert wanted(line, problem=problem).pk == first.pk
    assert [entry.kind for entry in first.ticket.entries.order_by("pk")] == ["callback", "call"]


def test_a_simulated_callback_never_takes_a_real_ones_place(line):
    played = wanted(line, simulated=True)
    real = wanted(line)
    assert real.pk != played.pk
    assert not real.simulated
    assert wanted(line).pk == real.pk
    assert wanted(line, simulated=True).pk == played.pk


def test_a_closed_callback_lets_the_number_ask_again(line, agent):
    first = wanted(line)
    callbacks.cancel(first, agent, "answered by mail")
    assert wanted(line).pk != first.pk


def test_the_longest_waiting_comes_first_and_vips_before_all(line, agent, noon):
    wanted(line, "+12015550101", minutes=5)
    longest = wanted(line, "+12015550102", minutes=50)
    vip = wanted(line, "+12015550103", minutes=1)
    vip.requester.vip = True
    vip.requester.save()
    assert [found.pk for found in callbacks.due()][:2] == [vip.pk, longest.pk]
    assert callbacks.next_for(agent).pk == vip.pk
    assert callbacks.next_for(agent).pk == vip.pk, "who has one does not get another"


# Four in the morning in New Jersey, nine in London; an Australian mobile may be anywhere there: 17 to 20 o'clock.
EARLY, ANYWHERE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC), "+61412345678"


def test_who_sleeps_waits_for_the_morning_and_is_not_forgotten(line, agent, nights):
    with time_machine.travel(EARLY) as clock:
        asleep = wanted(line, "+12015550101", minutes=90)
        awake = wanted(line, "+442079460000", minutes=5)
        assert callbacks.next_for(agent).pk == awake.pk
        callbacks.note_outcome(awake, agent, "reached")
        assert callbacks.next_for(agent) is None
        clock.shift(timedelta(hours=5))
        assert callbacks.next_for(agent).pk == asleep.pk


def test_who_perhaps_sleeps_comes_after_those_who_do_not(line, agent, nights):
    with time_machine.travel(EARLY):
        perhaps = wanted(line, ANYWHERE, minutes=90)
        awake = wanted(line, "+442079460000", minutes=5)
        assert callbacks.next_for(agent).pk == awake.pk
        callbacks.note_outcome(awake, agent, "reached")
        assert callbacks.next_for(agent).pk == perhaps.pk


def test_what_is_due_later_or_taken_is_not_offered(line, agent, noon):
    later = wanted(line, "+12015550101")
    Callback.objects.filter(pk=later.pk).update(due_at=timezone.now() + timedelta(minutes=5))
    assert callbacks.claim(wanted(line, "+12015550102").pk, make_agent("bob"))
    assert callbacks.next_for(agent) is None


def test_given_back_it_is_anybodys_again(line, agent, noon):
    callback = callbacks.next_for(wanted(line) and agent)
    assert not callbacks.give_back(callback, make_agent("bob")), "only by whom it belongs to"
    assert callbacks.give_back(callback, agent)
    assert callbacks.next_for(make_agent("carla")).pk == callback.pk


@pytest.mark.parametrize(
    ("outcome", "state", "ticket"),
    [
        ("reached", "done", "solved"),
        ("by_mail", "done", "solved"),
        ("voicemail", "done", "solved"),
        ("wrong_number", "cancelled", "open"),
        ("no_answer", "due", "open"),
    ],
)
def test_an_outcome_ends_or_goes_on(line, agent, outcome, state, ticket):
    callback = wanted(line)
    assert callbacks.note_outcome(callback, agent, outcome, "As they said.")
    callback.refresh_from_db()
    assert (callback.state, callback.tries, callback.note) == (state, 1, "As they said.")
    assert callback.ticket.state == ticket
    assert callback.ticket.entries.latest("pk").text.endswith("As they said.")
    assert AuditEntry.objects.get().detail == {"outcome": outcome}


def test_nobody_is_called_for_ever(line, agent):
    callback = wanted(line)
    for _ in range(3):
        assert callbacks.note_outcome(callback, agent, "no_answer")
        assert not callbacks.note_outcome(callback, agent, "no_answer"), "pressed twice it counts once"
        Callback.objects.update(outcome="", due_at=timezone.now())
    assert callbacks.note_outcome(callback, agent, "no_answer")
    callback.refresh_from_db()
    assert (callback.state, callback.tries) == ("gave_up", 4)
    assert "we do not call again" in callback.ticket.entries.latest("pk").text


def test_a_closed_callback_keeps_its_outcome(line, agent):
    callback = wanted(line)
    callbacks.note_outcome(callback, agent, "reached")
    assert not callbacks.note_outcome(callback, agent, "wrong_number")
    assert not callbacks.cancel(callback, agent, "late")
    callback.refresh_from_db()
    assert callback.outcome == "reached"


@pytest.mark.parametrize(
    ("state", "own", "others"),
    [("agent", False, False), ("customer", True, False), ("connected", True, True), ("uncertain", True, True)],
)
def test_while_a_phone_rings_nobody_else_decides(line, agent, state, own, others):
    callback = wanted(line)
    Callback.objects.update(state=state, agent=agent)
    assert callbacks.cancel(callback, make_agent("bob"), "why") == others
    Callback.objects.update(state=state, agent=agent)
    assert callbacks.note_outcome(callback, agent, "reached") == own


@pytest.mark.django_db(transaction=True)
def test_two_agents_never_get_the_same_callback(line):
    for number in range(6):
        wanted(line, f"+1201555010{number}")
    agents = [make_agent(f"agent{number}") for number in range(6)]
    taken = in_threads(lambda number: callbacks.next_for(agents[number]).pk, 4)
    assert len(set(taken)) == 4


@pytest.mark.django_db(transaction=True)
def test_asked_for_at_the_same_moment_a_callback_is_one(line):
    made = in_threads(lambda number: wanted(line).pk)
    assert len(made) == 4
    assert len(set(made)) == 1
    assert Ticket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_outcomes_at_once_are_one(line):
    callback = wanted(line)
    agents = [make_agent(f"agent{number}") for number in range(4)]
    noted = in_threads(lambda number: callbacks.note_outcome(callback, agents[number], "reached"))
    assert sorted(noted) == [False, False, False, True]
