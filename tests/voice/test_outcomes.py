from datetime import timedelta

import pytest

from voice.outcomes import Next, after, after_leg, is_try


@pytest.mark.parametrize(
    ("outcome", "tries", "expected"),
    [
        ("reached", 1, Next("done", outcome="reached")),
        ("by_mail", 3, Next("done", outcome="by_mail")),
        ("voicemail", 1, Next("done", outcome="voicemail")),
        ("wrong_number", 1, Next("cancelled", outcome="wrong_number")),
        ("no_answer", 0, Next("due", timedelta(minutes=15), "no_answer")),
        ("no_answer", 1, Next("due", timedelta(minutes=15), "no_answer")),
        ("no_answer", 2, Next("due", timedelta(hours=1), "no_answer")),
        ("no_answer", 3, Next("due", timedelta(hours=3), "no_answer")),
        ("no_answer", 4, Next("gave_up", outcome="no_answer")),
        ("no_answer", 9, Next("gave_up", outcome="no_answer")),
    ],
)
def test_what_follows_an_outcome(outcome, tries, expected):
    assert after(outcome, tries) == expected


def test_an_outcome_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no outcome"):
        after("perhaps", 1)


LATER = Next("due", timedelta(minutes=15), "no_answer")


@pytest.mark.parametrize(
    ("state", "step", "status", "expected"),
    [
        # in the order in which it happens
        ("agent", "connect", "in-progress", Next("customer")),
        ("customer", "ended", "completed", Next("connected")),
        ("customer", "ended", "answered", Next("connected")),
        ("customer", "ended", "busy", Next("due", timedelta(minutes=5), "busy")),
        ("customer", "ended", "no-answer", LATER),
        ("customer", "ended", "failed", Next("due", timedelta(hours=1), "failed")),
        ("customer", "ended", "", LATER),
        # the agent's own phone
        ("agent", "status", "ringing", None),
        ("agent", "status", "answered", None),
        ("agent", "status", "no-answer", Next("due")),
        ("agent", "status", "completed", Next("due")),
        ("customer", "status", "completed", Next("uncertain")),
        ("connected", "status", "completed", None),
        # out of order
        ("agent", "ended", "completed", Next("connected")),
        ("due", "ended", "completed", Next("connected")),
        ("uncertain", "ended", "no-answer", LATER),
        ("due", "connect", "in-progress", Next("uncertain")),
        ("uncertain", "connect", "in-progress", None),
        ("connected", "connect", "in-progress", None),
        ("connected", "ended", "no-answer", None),
        # closed is closed
        ("done", "ended", "completed", None),
        ("cancelled", "connect", "in-progress", None),
        ("gave_up", "ended", "completed", None),
        ("agent", "nonsense", "completed", None),
    ],
)
def test_what_follows_a_word_about_our_call(state, step, status, expected):
    assert after_leg(state, step, status, 1) == expected


@pytest.mark.parametrize(
    ("state", "step", "counts"),
    [
        ("agent", "connect", True),
        ("agent", "ended", True),
        ("due", "ended", True),
        ("customer", "ended", False),
        ("uncertain", "ended", False),
        ("agent", "status", False),
    ],
)
def test_a_try_is_counted_once_and_only_when_the_customer_was_rung(state, step, counts):
    assert is_try(state, step) == counts
