"""Webhooks of one call that come twice, late and in any order leave what they would have left in theirs."""

import itertools

import pytest
from django.utils import timezone

from tickets import intake
from tickets.models import Arrival, Entry, Problem, Ticket
from voice import lines, plan
from voice.models import Call, Callback

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(line) -> Problem:
    line.rings, line.offers_agent = ["+12025550111"], True
    line.save()
    problem = Problem.objects.create(title="Logins fail", opened_at=timezone.now())
    lines.announce([line], {"en": "We know that logins fail."}, problem=problem)
    plan.PLAN.refresh()
    return problem


# The steps of a call in their order: the path below /voice/main/ and what Twilio says.
CALLED_BACK = [
    ("answer/", {"CallStatus": "ringing"}),
    ("menu/incident/en/0/", {"Digits": "1"}),
    ("status/", {"CallStatus": "completed"}),
]
ANOTHER_NUMBER = [
    ("answer/", {"CallStatus": "ringing"}),
    ("menu/incident/en/0/", {"Digits": "2"}),
    ("confirm/12015550188/en/0/", {"Digits": "1"}),
    ("status/", {"CallStatus": "completed"}),
]
LEFT_A_MESSAGE = [
    ("answer/", {"CallStatus": "ringing"}),
    ("menu/open/en/0/", {"Digits": "2"}),
    ("recording/en/0/", {"RecordingSid": "RE" + "1" * 32, "RecordingDuration": "42"}),
    ("status/", {"CallStatus": "completed"}),
]


def left(model, *names):
    return sorted(model.objects.values_list(*names))


def result():
    return {
        "calls": left(Call, "sid", "caller", "status", "face", "choice", "problem__title", "ticket__subject"),
        "callbacks": left(Callback, "number", "state", "problem__title", "ticket__subject"),
        "tickets": left(Ticket, "subject", "problem__title"),
        "entries": left(Entry, "kind", "text"),
        "arrivals": left(Arrival, "key", "counts_as"),
    }


def told(caller, steps):
    """Each is understood before the next comes, as when one waited in the spool while the others did not."""
    for path, said in steps:
        caller().post(f"/voice/main/{path}", **said)
        intake.understand_all()


EXPECTED = {
    "called back": (CALLED_BACK, [("+12015550123", "requested", "Logins fail", "Asked to be called back")]),
    "another number": (ANOTHER_NUMBER, [("+12015550188", "requested", "Logins fail", "Asked to be called back")]),
    "left a message": (LEFT_A_MESSAGE, []),
}
CASES = [(name, order) for name, (steps, _) in EXPECTED.items() for order in itertools.permutations(range(len(steps)))]


@pytest.mark.parametrize(("name", "order"), CASES, ids=lambda value: str(value).replace(" ", "-"))
def test_steps_of_a_call_may_come_in_any_order_and_twice(incident, caller, name, order):
    steps, expected = EXPECTED[name]
    told(caller, [steps[place] for place in order])
    found = result()
    (call,) = found["calls"]
    choice = "voicemail" if name == "left a message" else "callback"
    assert call[2:6] == ("completed", "incident", choice, "Logins fail")
    assert found["callbacks"] == expected
    assert len(found["tickets"]) == 1
    assert [kind for kind, _ in found["entries"]] == ["callback" if expected else "voicemail"]
    told(caller, [steps[place] for place in reversed(order)])
    assert result() == found


STATUSES = ["queued", "ringing", "in-progress", "completed"]


@pytest.mark.parametrize("order", list(itertools.permutations(STATUSES)), ids="-".join)
def test_a_call_ends_when_its_end_is_told_whatever_comes_after(line, caller, order):
    for status in order:
        caller().post("/voice/main/status/", CallStatus=status)
        intake.understand_all()
    call = Call.objects.get()
    ended = Arrival.objects.get(payload__CallStatus="completed")
    assert (call.status, call.ended_at) == ("completed", ended.happened_at)
    assert call.started_at == min(Arrival.objects.values_list("happened_at", flat=True))


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(["completed", "busy", "no-answer"], 2)))
def test_the_first_end_of_a_call_stands(line, caller, first, second):
    for status in (first, second, first):
        caller().post("/voice/main/status/", CallStatus=status)
        intake.understand_all()
    assert Call.objects.get().status == first


def test_a_key_pressed_after_waiting_for_an_agent_counts_as_one_of_its_own(incident, caller):
    call = caller().dials().presses("0")
    call.answer("no-answer")
    assert call.presses("1").heard
    intake.understand_all()
    callback = Callback.objects.get()
    assert (callback.number, callback.problem) == ("+12015550123", incident)
    assert Call.objects.get().choice == "callback"


def test_waiting_twice_for_an_agent_is_told_twice(incident, caller):
    call = caller().dials()
    for _ in range(2):
        call.presses("0")
        call.answer("busy")
    assert Arrival.objects.count() == 5
