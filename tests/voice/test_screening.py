"""Whoever is rung takes a call with a key, so that a mailbox never has a caller."""

import pytest

from tests.voice.conftest import Caller
from tickets import intake
from tickets.models import Arrival
from voice import screening, signature
from voice.models import Call
from voice.plan import PLAN
from voice.simulator import grammar

pytestmark = pytest.mark.django_db
RINGS = ["+12025550111", "+12025550112"]


@pytest.fixture
def ringing(line):
    line.rings = RINGS
    line.save()
    PLAN.refresh()
    return line


@pytest.mark.parametrize("keys", ["1", "2", "11", "*", ""])
def test_only_1_takes_the_call(keys):
    document = screening.pressed(keys)
    assert grammar.faults(str(document)) == ()
    assert [verb.name for verb in document.verbs] == ([] if keys == "1" else ["Hangup"])


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"DialCallStatus": "completed", "DialBridged": "true"}, "completed"),
        ({"DialCallStatus": "completed", "DialBridged": "false"}, "not-taken"),
        ({"DialCallStatus": "answered", "DialBridged": "false"}, "not-taken"),
        ({"DialCallStatus": "completed"}, "completed"),
        ({"DialCallStatus": "no-answer", "DialBridged": "false"}, "no-answer"),
        ({"DialBridged": "false"}, ""),
        ({}, ""),
    ],
)
def test_answered_and_not_connected_is_not_taken(told, outcome):
    assert screening.outcome(told) == outcome


def test_every_phone_that_rings_is_screened_while_the_caller_hears_it_ring(ringing, caller):
    dial = caller().dials().document.find("Dial")
    assert [(phone.text, phone.get("url")) for phone in dial] == [(number, "/voice/main/screen/") for number in RINGS]
    assert dial.get("answerOnBridge") == "true"


def test_a_colleague_hears_which_line_it_is_and_takes_the_call_with_1(ringing, client):
    call = Caller(client).dial().answer()
    assert any("A call for" in one.text and "Support. Press 1" in one.text for one in call.call.heard)
    assert call.call.over
    assert call.call.log[-1].params["DialBridged"] == "true"
    intake.understand_all()
    assert Call.objects.get().choice == "agent"


@pytest.mark.parametrize("keys", ["", "2"])
def test_a_mailbox_loses_the_caller_to_callback_or_message(ringing, client, keys):
    call = Caller(client).dial().answer(keys=keys)
    assert not call.call.over
    assert call.heard.startswith("Nobody is free")
    call.presses("1")
    intake.understand_all()
    assert Call.objects.get().choice == "callback"


@pytest.mark.parametrize("status", ["completed", "no-answer", "busy"])
def test_however_twilio_tells_of_a_call_that_was_declined_the_caller_goes_on(ringing, caller, status):
    call = caller().dials()
    call.post("/voice/main/dialled/en/0/", DialCallStatus=status, DialBridged="false")
    assert call.heard.startswith("Nobody is free")


def test_the_phones_own_requests_are_no_calls_of_customers(ringing, client):
    Caller(client).dial().answer(keys="2").hang_up()
    intake.understand_all()
    assert Call.objects.count() == 1
    assert sorted(Arrival.objects.values_list("payload__step", flat=True)) == ["answer", "dialled"]


def test_a_line_that_leaves_it_out_connects_whoever_answers(ringing, client):
    ringing.screens = False
    ringing.save()
    PLAN.refresh()
    call = Caller(client).dials()
    dial = call.document.find("Dial")
    assert [phone.attrib for phone in dial] == [{}, {}]
    assert call.answer(keys="").call.over


def test_in_incident_mode_who_stays_for_an_agent_is_screened_too(ringing, client):
    ringing.offers_agent = True
    ringing.save()
    call = Caller(client)
    PLAN.refresh()
    call.post("/voice/main/menu/incident/en/0/", Digits="0")
    assert call.document.find("Dial/Number").get("url") == "/voice/main/screen/"


@pytest.mark.parametrize("path", ["/voice/main/screen/", "/voice/main/screen/key/"])
def test_only_twilio_asks(ringing, client, path):
    assert client.post(path, {"Digits": "1"}).status_code == 403
    said = {"Digits": "1"}
    signed = client.post(path, said, headers={"X-Twilio-Signature": signature.sign(path, said)})
    assert signed.status_code == 200


def test_of_a_line_that_is_gone_it_asks_all_the_same(ringing, caller):
    ringing.active = False
    ringing.save()
    PLAN.refresh()
    call = caller()
    call.post("/voice/main/screen/")
    assert "Press 1 to take it." in call.heard
