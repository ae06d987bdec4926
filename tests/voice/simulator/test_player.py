"""A call is played as Twilio plays it: falling through, timing out, falling back, telling its statuses."""

import json
from datetime import UTC, datetime

import pytest

from tests.voice.simulator.conftest import HOME
from voice.simulator.documents import Wait
from voice.simulator.keys import typed
from voice.simulator.player import APPLICATION_ERROR, HOPS, Player
from voice.simulator.state import call_of
from voice.simulator.statuses import ORDERS, due
from voice.simulator.webhooks import NoAnswer, NoConnection, Webhooks

MENU = "<Gather action='/k/' numDigits='1' {more}><Say>Press 1.</Say></Gather><Say>Nothing came.</Say>"
AWAY = "https://static.example.net/voice/main/now.xml"


def said(player):
    return [one.text for one in player.call.heard if one.kind == "say"]


# ── what people do, and what is asked then ───────────────────────────────────────────────────────────────────────────

SITUATIONS = {
    "a key goes to the action": (
        MENU, lambda call: call.press("1"), [("/a/",), ("/k/", "1"), ("/status/",)], ["Press 1.", "Thanks."],
    ),
    "without a key it falls through": (
        MENU, lambda call: call.press(""), [("/a/",), ("/status/",)], ["Press 1.", "Nothing came."],
    ),
    "without a key the action is told, where it wants to know": (
        MENU.format(more="actionOnEmptyResult='true'"), lambda call: call.time_out(),
        [("/a/",), ("/k/", ""), ("/status/",)], ["Press 1.", "Thanks."],
    ),
    "the finishing key alone is no input": (
        MENU, lambda call: call.press("#"), [("/a/",), ("/status/",)], ["Press 1.", "Nothing came."],
    ),
    "a menu takes one key": (
        MENU, lambda call: call.press("12"), [("/a/",), ("/k/", "1"), ("/status/",)], ["Press 1.", "Thanks."],
    ),
    "a number ends with the finishing key": (
        "<Gather action='/k/'/>", lambda call: call.press("2015#9"),
        [("/a/",), ("/k/", "2015"), ("/status/",)], ["Thanks."],
    ),
    "a Gather without an action asks its own address": (
        "<Gather/>", lambda call: call.press("5").hang_up(), [("/a/",), ("/a/", "5"), ("/status/",)], [],
    ),
    "a message goes to the action": (
        "<Record action='/k/'/>", lambda call: call.speak(7),
        [("/a/",), ("/k/", "", "7"), ("/status/",)], ["Thanks."],
    ),
    "silence is no message": (
        "<Record action='/k/'/><Say>Nothing was said.</Say>", lambda call: call.time_out(),
        [("/a/",), ("/status/",)], ["Nothing was said."],
    ),
    "who hangs up after their message has left it": (
        "<Record action='/k/'/>", lambda call: call.speak(7, hanging_up=True),
        [("/a/",), ("/k/", "hangup", "7"), ("/status/",)], [],
    ),
    "who hangs up without a word has left none": (
        "<Record action='/k/'/>", lambda call: call.hang_up(), [("/a/",), ("/status/",)], [],
    ),
    "a recording is told beside the action": (
        "<Record action='/k/' recordingStatusCallback='/rec/'/>", lambda call: call.speak(7),
        [("/a/",), ("/k/", "", "7"), ("/status/",), ("/rec/", "7")], ["Thanks."],
    ),
    "how dialling went goes to the action": (
        "<Dial action='/k/'>+1</Dial>", lambda call: call.answer("busy"),
        [("/a/",), ("/k/", "busy"), ("/status/",)], ["Thanks."],
    ),
    "a Dial without an action falls through": (
        "<Dial>+1</Dial><Say>Nobody.</Say>", lambda call: call.time_out(), [("/a/",), ("/status/",)], ["Nobody."],
    ),
    "who hangs up while it rings": (
        "<Dial action='/k/'>+1</Dial>", lambda call: call.hang_up(),
        [("/a/",), ("/k/", "no-answer"), ("/status/",)], [],
    ),
    "a redirect is followed, also to a relative address": (
        "<Say>One.</Say><Redirect>../k/</Redirect>", lambda call: call,
        [("/a/",), ("/k/",), ("/status/",)], ["One.", "Thanks."],
    ),
    "keys mean nothing while it rings": (
        "<Dial action='/k/'>+1</Dial>", lambda call: call.press("1").speak(), [("/a/",)], [],
    ),
    "hanging up twice is hanging up": (
        MENU, lambda call: call.hang_up().hang_up().press("1"), [("/a/",), ("/status/",)], ["Press 1."],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "act", "asked", "heard"), SITUATIONS.values(), ids=[name.replace(" ", "-") for name in SITUATIONS]
)
def test_situations(net, document, act, asked, heard):
    net.pages |= {"/a/": [document.format(more="")], "/k/": ["<Say>Thanks.</Say>"], "/rec/": [(204, "", "")]}
    player = act(net.player().dial())
    assert net.asked("Digits", "DialCallStatus", "RecordingDuration") == asked
    assert said(player) == heard


def test_every_request_tells_what_twilio_tells(net):
    net.pages |= {"/a/": [MENU.format(more="")], "/k/": [""]}
    net.player().dial().press("1")
    method, _, told, headers = net.got[1]
    assert method == "POST"
    assert told["CallSid"].startswith("CA")
    assert len(told["CallSid"]) == 34
    assert told | {"CallSid": ""} == {
        "CallSid": "", "AccountSid": "AC" + "0" * 32, "From": "+12015550123", "To": "+12025550199",
        "Direction": "inbound", "ApiVersion": "2010-04-01", "CallStatus": "in-progress", "Digits": "1",
        "FinishedOnKey": "",
    }  # fmt: skip
    assert headers["X-Twilio-Signature"] == f"signed {HOME}/k/"
    assert [params["CallStatus"] for _, _, params, _ in net.got] == ["ringing", "in-progress", "completed"]


def test_a_loop_without_the_caller_ends(net):
    net.pages["/a/"] = ["<Redirect>/a/</Redirect>"]
    player = net.player().dial()
    assert net.asked().count(("/a/",)) == HOPS
    assert "loop" in player.call.heard[-1].text
    assert player.call.over


@pytest.mark.parametrize(("verb", "status"), [("<Reject/>", "no-answer"), ("<Reject reason='busy'/>", "busy")])
def test_who_is_turned_away_was_never_answered(net, verb, status):
    net.pages["/a/"] = [verb]
    assert net.player("all").dial().call.status == status
    assert net.told() == ["initiated", "ringing", status]


def test_the_length_of_a_call_counts_what_was_waited(net):
    net.pages["/a/"] = ["<Pause length='30'/><Gather timeout='9'/>"]
    net.player().dial().time_out()
    assert int(net.got[-1][2]["CallDuration"]) == 39
    assert net.got[-1][2]["Duration"] == "1"


@pytest.mark.parametrize(
    ("keys", "digits", "expected"),
    [("", 0, ("", "")), ("1", 1, ("1", "1")), ("12", 0, ("12", "")), ("12#3", 0, ("12", "#")), ("*", 1, ("*", "*"))],
)
def test_keys_are_read_as_they_are_typed(keys, digits, expected):
    assert typed(keys, Wait("keys", digits=digits, finish="#")) == expected


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

FAILURES = {
    "refused": (NoConnection("refused", error=11202), "11202", 2),
    "not in time": (NoConnection("not in time", waited=5), "11201", 2),
    "silent": (NoAnswer("silent", waited=15), "11205", 1),
    "a server error": (500, "11217", 1),
    "an unsigned request": (403, "11217", 1),
    "no xml": ((200, "text/xml", "<Response>"), "12100", 1),
    "nothing": ((200, "text/xml", ""), "12100", 1),
    "a page": ((200, "text/html", "<html/>"), "12102", 1),
    "json": ((200, "application/json", "{}"), "12300", 1),
}


@pytest.mark.parametrize(
    ("failure", "code", "tries"), FAILURES.values(), ids=[name.replace(" ", "-") for name in FAILURES]
)
@pytest.mark.parametrize("later", [False, True], ids=["at-once", "at-a-key"])
def test_a_failure_takes_the_call_to_the_fallback(net, failure, code, tries, later):
    net.pages |= {
        "/a/": [MENU.format(more="") if later else failure],
        "/k/": [failure],
        AWAY: ["<Play>../b.mp3</Play>"],
    }
    player = net.player(fallback_url=AWAY).dial().press("1")
    failed = "/k/" if later else "/a/"
    assert net.asked().count((failed,)) == tries
    (asked,) = [one for one in net.got if one[1].startswith(AWAY)]
    assert asked[0] == "GET"
    assert f"ErrorCode={code}&ErrorUrl=https%3A%2F%2Fsupport.example.com%2F{failed[1]}%2F" in asked[1]
    assert "https://static.example.net/voice/b.mp3" in [one.text for one in player.call.heard]
    assert APPLICATION_ERROR not in said(player)
    assert net.told() == ["completed"]


@pytest.mark.parametrize("fallback", ["", AWAY], ids=["no-fallback", "the-fallback-fails-too"])
def test_without_a_document_the_caller_hears_of_an_error(net, fallback):
    net.pages |= {"/a/": [500], AWAY: [404]}
    player = net.player(fallback_url=fallback).dial()
    assert said(player) == [APPLICATION_ERROR]
    assert (player.call.over, player.call.error) == (True, 11217)
    assert net.told() == ["completed"]


def test_a_fallback_is_asked_by_its_own_method(net):
    net.pages |= {"/a/": [500], AWAY: ["<Say>Later.</Say>"]}
    net.player(fallback_url=AWAY, fallback_method="POST").dial()
    method, url, told, _ = net.got[1]
    assert (method, url, told["ErrorCode"], told["ErrorUrl"]) == ("POST", AWAY, "11217", f"{HOME}/a/")


def test_a_try_that_succeeds_is_no_failure(net):
    net.pages |= {"/a/": [NoConnection("refused"), "<Say>Hello.</Say>"], AWAY: ["<Say>Fallback.</Say>"]}
    player = net.player(fallback_url=AWAY).dial()
    assert said(player) == ["Hello."]
    first, second = (headers["I-Twilio-Idempotency-Token"] for _, path, _, headers in net.got if path == "/a/")
    assert first == second


# ── statuses ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = {
    "end": ["completed"],
    "all": ["initiated", "ringing", "in-progress", "completed"],
    "doubled": ["initiated"] * 2 + ["ringing"] * 2 + ["in-progress"] * 2 + ["completed"] * 2,
    "late": ["initiated", "in-progress", "completed", "ringing"],
    "reversed": ["completed", "in-progress", "ringing", "initiated"],
    "lost": [],
}


@pytest.mark.parametrize("order", ORDERS)
def test_statuses_are_told_in_the_order_that_was_chosen(net, order):
    net.pages["/a/"] = [MENU.format(more="")]
    net.player(order).dial().hang_up()
    assert net.told() == TOLD[order]
    assert TOLD.keys() == ORDERS.keys()


@pytest.mark.parametrize("order", ORDERS)
def test_whatever_the_order_a_call_that_nobody_answered_was_not_in_progress(order):
    told = [status for moment in ("begun", "over") for status in due(order, moment, "no-answer")]
    assert "in-progress" not in told
    assert set(told) <= {"initiated", "ringing", "no-answer"}


def test_a_status_that_nobody_takes_is_seen_and_ends_nothing(net):
    net.pages |= {"/a/": ["<Say>Hello.</Say>"], "/status/": [500]}
    player = net.player().dial()
    assert said(player) == ["Hello."]
    assert "told in vain" in player.call.heard[-1].text


def test_a_status_says_when_and_in_which_order(net):
    net.pages["/a/"] = [""]
    made = net.player("all")
    at = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
    Player(made.call, Webhooks(net.transport, lambda *_: ""), now=lambda: at).dial()
    told = [params for _, path, params, _ in net.got if path == "/status/"]
    assert [one["SequenceNumber"] for one in told] == ["0", "1", "2", "3"]
    assert {one["Timestamp"] for one in told} == {"Mon, 02 Mar 2026 17:00:00 +0000"}
    assert "CallDuration" in told[-1]
    assert "CallDuration" not in told[0]


# ── calls by API ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_by_api_asks_once_it_is_answered(net):
    net.pages["/a/"] = ["<Say>Press 1.</Say>"]
    player = net.player("all").ring()
    assert net.asked() == [("/status/",), ("/status/",)]
    player.pick_up()
    assert net.told() == ["initiated", "ringing", "in-progress", "completed"]
    assert net.asked().count(("/a/",)) == 1


@pytest.mark.parametrize("status", ["no-answer", "busy", "failed"])
def test_a_call_by_api_that_nobody_answers_asks_nothing(net, status):
    player = net.player("all").ring().not_answered(status)
    assert net.told() == ["initiated", "ringing", status]
    assert ("/a/",) not in net.asked()
    player.pick_up()
    assert ("/a/",) not in net.asked(), "it is over"


# ── put away and gone on with ────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_goes_on_from_what_was_written_down(net):
    net.pages |= {"/a/": ["<Gather/><Dial action='/k/'><Number>+1</Number></Dial>"], "/k/": ["<Say>Bye.</Say>"]}
    call = net.player().dial().call
    for act in (lambda player: player.press(""), lambda player: player.answer("busy")):
        again = call_of(json.loads(json.dumps(call.to_json())))
        assert again == call
        player = Player(again, Webhooks(net.transport, lambda *_: ""))
        act(player)
        call = player.call
    assert said(player) == ["Bye."]
    assert net.asked("DialCallStatus") == [("/a/",), ("/k/", "busy"), ("/status/",)]


def test_every_document_that_comes_is_shown_to_who_inspects(net):
    net.pages |= {"/a/": [MENU.format(more="")], "/k/": [500]}
    seen = []
    Player(net.player().call, Webhooks(net.transport, lambda *_: ""), inspect=seen.append).dial().press("1")
    assert len(seen) == 2, "the menu and the answer to the status"
