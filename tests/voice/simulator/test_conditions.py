"""What goes wrong on the way: as often as chosen, at our own door only."""

import pytest

from voice.simulator.conditions import Conditions
from voice.simulator.webhooks import NoAnswer, NoConnection

OURS, THEIRS = "https://support.example.com", "https://static.example.net"


def outcomes(conditions, *urls):
    reached = []

    def transport(method, url, params, headers):
        reached.append(url)
        return 200, "text/xml", "<Response/>"

    send, found = conditions.through(transport, OURS), []
    for url in urls:
        try:
            found.append(send("POST", url, {}, {})[0])
        except (NoConnection, NoAnswer) as error:
            found.append((type(error).__name__, error.waited))
    return found, len(reached)


@pytest.mark.parametrize(
    ("fault", "outcome", "reached"),
    [
        ("", 200, 1),
        ("times_out", ("NoAnswer", 15), 0),
        ("refuses", ("NoConnection", 5), 0),
        ("fails", 500, 0),
        ("loses", ("NoAnswer", 15), 1),
    ],
)
def test_each_fault_is_what_it_says(fault, outcome, reached):
    assert outcomes(Conditions(fault, -1), OURS) == ([outcome], reached)


@pytest.mark.parametrize(("times", "bad"), [(1, 1), (2, 2), (-1, 4)])
def test_it_happens_as_often_as_chosen(times, bad):
    conditions = Conditions("fails", times)
    found, _ = outcomes(conditions, *[OURS] * 4)
    assert found == [500] * bad + [200] * (4 - bad)
    assert conditions.fault == ("fails" if times == -1 else "")


def test_other_ways_are_as_they_are_and_use_nothing_up():
    conditions = Conditions("fails", 1)
    assert outcomes(conditions, THEIRS, OURS, THEIRS, OURS)[0] == [200, 500, 200, 200]
