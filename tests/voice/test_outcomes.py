from datetime import timedelta

import pytest

from voice.outcomes import Next, after, after_dial


@pytest.mark.parametrize(
    ("outcome", "attempts", "expected"),
    [
        ("reached", 1, Next("done")),
        ("by_mail", 3, Next("done")),
        ("voicemail", 1, Next("done")),
        ("wrong_number", 1, Next("cancelled")),
        ("no_answer", 0, Next("due", timedelta(minutes=15))),
        ("no_answer", 1, Next("due", timedelta(minutes=15))),
        ("no_answer", 2, Next("due", timedelta(hours=1))),
        ("no_answer", 3, Next("due", timedelta(hours=3))),
        ("no_answer", 4, Next("gave_up")),
    ],
)
def test_what_follows_an_outcome(outcome, attempts, expected):
    assert after(outcome, attempts) == expected


@pytest.mark.parametrize(("status", "state"), [("completed", "connected"), ("busy", "due"), ("no-answer", "due")])
def test_what_follows_when_the_customer_was_dialled(status, state):
    assert after_dial(status, 1).state == state


def test_an_outcome_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no outcome"):
        after("perhaps", 1)
