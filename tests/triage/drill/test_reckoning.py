from collections import Counter

import pytest

from triage.drill.reckoning import Found, reckon

CALL = {"token": "a" * 32, "medium": "phone", "accepted": True, "number": "+12015550100", "callback": True}
LISTENER = {"token": "b" * 32, "medium": "phone", "accepted": True, "number": "+12015550101", "callback": False}
MAIL = {"token": "c" * 32, "medium": "email", "accepted": True, "email": "jane@customer.example"}
REFUSED = {"token": "d" * 32, "medium": "web", "accepted": False, "email": "amir@customer.example"}


def found(**changes):
    everything = {
        "tickets": Counter({"c" * 32: 1}),
        "calls": Counter({"CA" + "a" * 32: 1, "CA" + "b" * 32: 1}),
        "callbacks": Counter({"+12015550100": 1}),
        "acknowledgements": Counter({"jane@customer.example": 1}),
        "mails": Counter({"<1@example.com>": 1}),
    }
    return Found(**everything | changes)


def test_everybody_found_once_is_clean():
    result = reckon([CALL, LISTENER, MAIL, REFUSED], found())
    assert (result.sent, result.accepted, result.lost, result.doubled) == (4, 3, [], [])
    assert result.clean


@pytest.mark.parametrize("what", ["tickets", "calls", "callbacks", "acknowledgements"])
def test_a_trace_that_is_missing_is_a_loss(what):
    result = reckon([CALL, MAIL], found(**{what: Counter()}))
    assert len(result.lost) == 1
    assert not result.clean


@pytest.mark.parametrize("what", ["tickets", "callbacks", "acknowledgements", "mails"])
def test_a_trace_that_stands_there_twice_is_a_double(what):
    twice = Counter(dict.fromkeys(getattr(found(), what), 2))
    result = reckon([CALL, MAIL], found(**{what: twice}))
    assert len(result.doubled) == 1
    assert not result.clean


def test_who_was_refused_is_not_lost():
    assert reckon([REFUSED], found()).clean
