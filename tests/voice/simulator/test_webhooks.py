"""One webhook under Twilio's time-outs and retries."""

import pytest

from tests.voice.simulator.conftest import HOME, Net
from voice.simulator.webhooks import NoAnswer, NoConnection, Overrides, Webhooks, overrides

LATE, SILENT = NoConnection("not in time", waited=5), NoAnswer("silent", waited=15)
REFUSED = NoConnection("refused", error=11202)
RIGHT = (200, "text/xml", "<Response/>")


def fetch(answers, fragment="", **values):
    net = Net({"/a/": answers})
    webhooks = Webhooks(net.transport, lambda url, params: f"{url} {sorted(params)}", clock=lambda: net.time, **values)
    return net, webhooks.fetch("POST", f"{HOME}/a/{fragment}", {"Digits": "1"})


@pytest.mark.parametrize(
    ("answers", "fragment", "statuses", "error"),
    [
        ([RIGHT], "", [200], 0),
        ([LATE, RIGHT], "", [0, 200], 0),
        ([LATE], "", [0, 0], 11201),
        ([REFUSED], "", [0, 0], 11202),
        ([SILENT, RIGHT], "", [0], 11205),
        ([500, RIGHT], "", [500], 11217),
        ([403], "", [403], 11217),
        ([302], "", [302], 11200),
        ([LATE, RIGHT], "#rc=0", [0], 11201),
        ([LATE, LATE, LATE, RIGHT], "#rc=5&ct=2000", [0, 0, 0, 200], 0),
        ([LATE], "#rc=5", [0, 0, 0], 11201),  # 15 s in all are over
        ([500, RIGHT], "#rp=5xx", [500, 200], 0),
        ([404, RIGHT], "#rp=5xx", [404], 11217),
        ([404, 500, RIGHT], "#rp=all&rc=2", [404, 500, 200], 0),
        ([SILENT, RIGHT], "#rp=rt,ct&rt=3000", [0, 200], 0),
        ([SILENT, RIGHT], "#rp=rt&rt=3000&tt=3000", [0], 11203),
        ([LATE, SILENT], "#rp=rt,ct&ct=2000&rt=3000&tt=4000", [0, 0], 11203),
        ([404, SILENT], "#rp=all&rt=3000&tt=3000", [404, 0], 11205),  # not all of them were late
        ([LATE], "#tt=12000", [0, 0], 11201),
    ],
)
def test_what_is_tried_again(answers, fragment, statuses, error):
    net, tries = fetch(answers, fragment)
    assert [one.status for one in tries] == statuses
    assert tries[-1].error == error
    assert [one.attempt for one in tries] == list(range(len(statuses)))
    assert {url for _, url, _, _ in net.got} == {"/a/"}, "a fragment stays here"


def test_every_try_carries_the_same_token_and_another_request_another():
    net, tries = fetch([REFUSED, RIGHT])
    tokens = [headers["I-Twilio-Idempotency-Token"] for *_, headers in net.got]
    assert tokens == [tries[0].token] * 2
    _, others = fetch([RIGHT])
    assert others[0].token != tries[0].token


def test_what_is_delivered_twice_is_one_request():
    net, tries = fetch([RIGHT], twice=True)
    assert len({headers["I-Twilio-Idempotency-Token"] for *_, headers in net.got}) == 1
    assert [(one.status, one.attempt) for one in tries] == [(200, 0), (200, 1)]
    assert net.got[0] == net.got[1]
    assert len(fetch([500], twice=True)[1]) == 1, "what failed was not answered"


def test_time_that_nobody_waited_counts_as_if_they_had():
    _, tries = fetch([LATE])
    assert [one.seconds for one in tries] == [5, 5]
    _, tries = fetch([SILENT], "#rt=2000")
    assert [one.seconds for one in tries] == [2]


def test_a_get_is_signed_with_what_it_tells_in_its_address():
    net = Net({"/a/": [RIGHT]})
    webhooks = Webhooks(net.transport, lambda url, params: f"{url} {params}")
    (one,) = webhooks.fetch("GET", f"{HOME}/a/?x=1", {"ErrorCode": "11200", "ErrorUrl": "https://a/?b"})
    ((method, url, params, headers),) = net.got
    assert (method, url, params) == ("GET", "/a/?x=1&ErrorCode=11200&ErrorUrl=https%3A%2F%2Fa%2F%3Fb", {})
    assert headers["X-Twilio-Signature"] == f"{HOME}{url} {{}}"
    assert one.params == {"ErrorCode": "11200", "ErrorUrl": "https://a/?b"}


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", Overrides()),
        ("#ct=2000&rt=3000&tt=5000&rc=1", Overrides(2, 3, 5, 1)),
        ("#ct=99999&rt=1&rc=50", Overrides(10, 0.1, 15, 5)),
        ("#ct=soon&sni=y&e=dublin", Overrides()),
        ("#rc=5&rp=ct,rt,5xx", Overrides(rc=5, rp=frozenset({"ct", "rt", "5xx"}))),
    ],
)
def test_a_fragment_is_read_as_twilio_does(fragment, expected):
    assert overrides(f"https://a.example/x?y=1{fragment}") == ("https://a.example/x?y=1", expected)
