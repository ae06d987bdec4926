"""The product under the played network: duplicates, statuses in any order, lost answers, callbacks' two legs."""

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from tests.voice.conftest import Caller, through
from tests.voice.phone_people import wanted
from tickets import intake
from tickets.models import Arrival, Entry, Problem, Ticket
from voice import dialling, fallback, lines, signature
from voice.models import Call, Callback
from voice.plan import PLAN
from voice.reading import ORDER
from voice.simulator import state
from voice.simulator.conditions import Conditions
from voice.simulator.elsewhere import fallback_of, with_fallback
from voice.simulator.player import APPLICATION_ERROR, Player
from voice.simulator.statuses import ORDERS
from voice.simulator.webhooks import Webhooks

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(line) -> Problem:
    line.rings, line.offers_agent = ["+12025550111"], True
    line.save()
    problem = Problem.objects.create(title="Logins fail", opened_at=timezone.now())
    lines.announce([line], {"en": "We know that logins fail."}, problem=problem)
    PLAN.refresh()
    return problem


JOURNEYS = {
    "called back": lambda call: call.press("1"),
    "on another number": lambda call: call.press("2").press("12015550188#").press("1"),
    "after waiting for an agent": lambda call: call.press("0").time_out().press("1"),
    "in the other language, after a wrong key": lambda call: call.press("9").press("8").press("1"),
}


@pytest.mark.parametrize("twice", [False, True], ids=["once", "each-twice"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("journey", JOURNEYS)
def test_one_callback_whatever_comes_twice_and_in_whatever_order(incident, client, journey, order, twice):
    caller = JOURNEYS[journey](Caller(client, statuses=order, twice=twice).dial())
    assert caller.call.over
    if twice:
        answers = {}
        for one in caller.call.log:
            answers.setdefault(one.token, []).append(one.body)
        assert {len(bodies) for bodies in answers.values()} == {2}
        assert all(first == second for first, second in answers.values()), "the second answer is the first"
    told = {(one.url, one.params["CallStatus"] if "/status/" in one.url else "") for one in caller.call.log}
    assert Arrival.objects.count() == len(told), "each step and each status is kept once"
    for arrival in Arrival.objects.order_by("-pk" if order == "reversed" else "pk"):
        intake.understand(arrival.pk)
    intake.understand_all()
    callback = Callback.objects.get()
    assert (callback.problem, callback.state) == (incident, "requested")
    assert Ticket.objects.count() == 1
    assert Entry.objects.filter(kind="callback").count() == 1
    call = Call.objects.get()
    assert (call.choice, call.face) == ("callback", "incident")
    assert call.status == ("in-progress" if order == "lost" else "completed")


def test_a_status_never_goes_back(incident, client):
    caller = Caller(client, statuses="late", twice=True).dial()
    seen = []
    for act in (lambda: None, lambda: caller.press("7"), caller.hang_up):
        act()
        for arrival in Arrival.objects.filter(state="accepted").order_by("pk"):
            intake.understand(arrival.pk)
            seen.append(ORDER.index(Call.objects.get().status))
    assert seen == sorted(seen)
    assert ORDER[seen[-1]] == "completed"


def test_a_message_left_under_duplicates_is_one_ticket(line, client):
    Caller(client, statuses="doubled", twice=True).dial().press("2").speak(42)
    intake.understand_all()
    assert Ticket.objects.get().subject == "Voicemail, 0:42"
    assert Entry.objects.count() == 1


# ── the network is bad ───────────────────────────────────────────────────────────────────────────────────────────────


def bad_network(client, conditions):
    """A call to the line whose number is set up as it should be."""
    caller = Caller(client)
    number = state.Number(f"{caller.at}/answer/", f"{caller.at}/status/", fallback_of("main"))
    call = state.Call(number, caller.call.said)
    way = conditions.through(with_fallback(through(client)), settings.PUBLIC_URL)
    return Player(call, Webhooks(way, signature.sign_url))


@pytest.mark.parametrize("fault", ["times_out", "fails"])
@pytest.mark.parametrize("address", ["", "https://static.example.net"], ids=["folder", "unreachable-address"])
def test_when_we_do_not_answer_the_export_does(incident, client, settings, fault, address):
    settings.FALLBACK_URL = address
    PLAN.refresh()
    assert fallback.export() > 0
    player = bad_network(client, Conditions(fault, times=-1)).dial()
    texts = [one.text for one in player.call.heard if one.kind == "say"]
    assert texts[0] == "We know that logins fail."
    assert APPLICATION_ERROR not in texts
    assert player.call.over
    assert player.call.log[1].method == "GET"
    assert not Arrival.objects.exists()


def test_without_an_export_the_caller_hears_of_an_error(incident, client):
    assert not storages["fallback"].exists("voice/main/now.xml")
    player = bad_network(client, Conditions("fails", times=-1)).dial()
    assert APPLICATION_ERROR in [one.text for one in player.call.heard]


def test_a_connection_that_fails_once_is_tried_again_and_twice_is_not(incident, client):
    player = bad_network(client, Conditions("refuses", times=1)).dial()
    assert "We know that logins fail." in [one.text for one in player.call.heard]
    first, second = player.call.log
    assert (first.error, second.error, first.token) == (11201, 0, second.token)
    fallback.export()
    player = bad_network(client, Conditions("refuses", times=2)).dial()
    assert player.call.log[2].url.endswith("now.xml")


def test_a_request_whose_answer_is_lost_has_been_kept(incident, client):
    """The caller hears the fallback, and their callback stands all the same."""
    fallback.export()
    conditions = Conditions()
    player = bad_network(client, conditions).dial()
    conditions.fault, conditions.times = "loses", 1
    player.press("1")
    assert player.call.over
    assert any(one.url.endswith("now.xml") for one in player.call.log)
    intake.understand_all()
    assert Callback.objects.count() == 1


# ── callbacks: the agent's leg and the customer's ────────────────────────────────────────────────────────────────────


@pytest.fixture
def legs(line, agent, twilio, client, noon, settings):
    """Rings the agent by the request that Twilio was sent: `legs(order, twice)` plays that call."""

    def begin(order="all", twice=False):
        callback = dialling.call_now(wanted(line), agent)
        (asked,) = [form for method, _, form in twilio.requests if method == "POST"]
        assert asked["StatusCallbackEvent"], "it wants to hear of the statuses"
        number = state.Number(asked["Url"], asked["StatusCallback"])
        said = state.parameters(caller=asked["From"], number=asked["To"], sid=callback.call_sid, outbound=True)
        webhooks = Webhooks(through(client), signature.sign_url, twice=twice)
        return callback, Player(state.Call(number, said, order), webhooks).ring()

    return begin


def outcome(callback):
    for arrival in Arrival.objects.order_by("pk"):
        intake.understand(arrival.pk)
    callback.refresh_from_db()
    return callback.state, callback.tries


@pytest.mark.parametrize("twice", [False, True], ids=["once", "each-twice"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("customer", "state"), [("completed", "connected"), ("busy", "due"), ("no-answer", "due")])
def test_agent_and_customer(legs, customer, state, order, twice):
    callback, player = legs(order, twice)
    player.pick_up()
    assert any("1 2 0 1 5 5 5 0 1 2 3" in one.text for one in player.call.heard), "the agent hears whom they call"
    player.press("1")
    assert player.call.wait.phones == (callback.number,)
    player.answer(customer)
    assert player.call.over
    assert outcome(callback) == (state, 1)


@pytest.mark.parametrize("order", ["end", "all", "doubled", "late", "reversed"])
@pytest.mark.parametrize(
    "act",
    [
        lambda player: player.not_answered(),
        lambda player: player.not_answered("busy"),
        lambda player: player.pick_up().press(""),
        lambda player: player.pick_up().press("2"),
        lambda player: player.pick_up().hang_up(),
    ],
    ids=["does not answer", "is busy", "a mailbox answers", "presses 2", "hangs up"],
)
def test_an_agent_who_does_not_press_1_dials_nobody(legs, act, order):
    callback, player = legs(order)
    act(player)
    assert "ringing" not in [player.call.wait.what]
    assert not any("Dial" in one.body for one in player.call.log)
    assert outcome(callback) == ("due", 0)
