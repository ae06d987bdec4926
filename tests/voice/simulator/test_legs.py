"""What a phone that is rung hears when it is answered: connected where the document ends, hung up where it says so."""

import pytest

from voice.simulator.legs import MOST
from voice.simulator.state import call_of

ASK = "<Gather action='key/' numDigits='1'{more}><Say>Press 1.</Say></Gather>"
EVEN = " actionOnEmptyResult='true'"


@pytest.mark.parametrize(
    ("screen", "key", "pressed", "bridged", "asked"),
    [
        ("<Say>A call.</Say>", [404], "", True, []),
        ("", [404], "", True, []),
        ("<Hangup/>", [404], "1", False, []),
        ("<Say>No.</Say><Hangup/>", [404], "1", False, []),
        ("<Reject/>", [404], "1", False, []),
        (f"{ASK}<Hangup/>", [""], "1", True, ["1"]),
        (f"{ASK}<Hangup/>", ["<Hangup/>"], "2", False, ["2"]),
        (f"{ASK}<Hangup/>", [""], "", False, []),
        (ASK, [""], "", True, []),
        (ASK.replace("{more}", EVEN), ["<Hangup/>"], "", False, [""]),
        ("<Redirect>key/</Redirect>", ["<Say>Hello.</Say>"], "", True, [None]),
        ("<Redirect>key/</Redirect>", ["<Redirect>/s/</Redirect>"], "", False, [None] * (MOST // 2)),
        (f"{ASK}<Hangup/>", [404], "1", False, ["1"]),
        (f"{ASK}<Hangup/>", [(200, "text/xml", "no")], "1", False, ["1"]),
    ],
)
def test_who_is_connected(net, screen, key, pressed, bridged, asked):
    net.pages |= {
        "/a/": ["<Dial action='/d/'><Number url='/s/'>+1</Number></Dial>"],
        "/s/": [screen.replace("{more}", "")],
        "/s/key/": key,
        "/d/": ["<Say>Gone on.</Say>"],
    }
    player = net.player().dial().answer(keys=pressed)
    told = next(params for _, path, params, _ in net.got if path == "/d/")
    assert (told["DialCallStatus"], told["DialBridged"]) == ("completed", str(bridged).lower())
    assert told["DialCallDuration"] == ("60" if bridged else "0")
    assert [params.get("Digits") for _, path, params, _ in net.got if path == "/s/key/"][: len(asked)] == asked
    assert player.call.heard[-2].text == "Gone on."


def test_it_is_a_call_of_its_own_to_the_phone_that_answers(net):
    net.pages |= {
        "/a/": ["<Dial action='/d/'><Number>+1</Number><Number url='/s/'>+2</Number></Dial>"],
        "/s/": ["<Say>A call.</Say>"], "/d/": [""],
    }  # fmt: skip
    player = net.player().dial()
    player.call = call_of(player.call.to_json())
    player.answer(phone=1)
    told = next(params for _, path, params, _ in net.got if path == "/s/")
    assert told["ParentCallSid"] == player.call.said["CallSid"] != told["CallSid"]
    assert (told["To"], told["Direction"], told["CallStatus"]) == ("+2", "outbound-dial", "in-progress")


def test_a_phone_without_one_is_asked_nothing(net):
    net.pages |= {"/a/": ["<Dial action='/d/'><Number>+1</Number><Number url='/s/'>+2</Number></Dial>"], "/d/": [""]}
    net.player().dial().answer(phone=0, keys="")
    assert [path for _, path, _, _ in net.got] == ["/a/", "/d/", "/status/"]


def test_what_that_phone_hears_is_told_apart_from_what_the_caller_hears(net):
    net.pages |= {
        "/a/": ["<Dial action='/d/'><Number url='/s/'>+1</Number></Dial>"], "/s/": ["<Say>A call.</Say>"], "/d/": [""],
    }  # fmt: skip
    heard = net.player().dial().answer().call.heard
    assert ("note", "“A call.”") in [(one.kind, one.text) for one in heard]
    assert not any(one.kind == "say" for one in heard)


def test_a_document_that_is_away_hangs_that_phone_up_and_is_a_fault(net):
    net.pages |= {"/a/": ["<Dial action='/d/'><Number url='/s/'>+1</Number></Dial>"], "/s/": [500], "/d/": [""]}
    heard = net.player().dial().answer().call.heard
    assert any(one.kind == "fault" and "11217 on that phone" in one.text for one in heard)
