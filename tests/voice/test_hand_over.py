import threading
import time

import pytest
from django.db import OperationalError

from voice.hand_over import AT_ONCE, GivenUp, Unanswered, within


@pytest.fixture(autouse=True)
def threads(settings):
    settings.HAND_OVER_THREADS = True


class Slow:
    """Work that waits until it may go on; `committed` after it has asked whether it is wanted still."""

    def __init__(self, *, asks_first=False):
        self.go, self.begun, self.over = threading.Event(), threading.Event(), threading.Event()
        self.asks_first, self.committed, self.given_up = asks_first, False, False

    def __call__(self, wanted):
        try:
            if self.asks_first:
                wanted()
            self.begun.set()
            assert self.go.wait(10)
            if not self.asks_first:
                wanted()
            self.committed = True
        except GivenUp:
            self.given_up = True
            raise
        finally:
            self.over.set()


def test_what_is_done_in_time_is_returned_by_another_thread():
    assert within(5, lambda wanted: (wanted(), threading.current_thread())[1]) is not threading.current_thread()


def test_what_it_raises_is_raised():
    def fails(wanted):
        raise LookupError("no such line")

    with pytest.raises(LookupError, match="no such line"):
        within(5, fails)


@pytest.mark.parametrize("asks_first", [False, True])
def test_what_is_given_up_before_it_commits_is_certainly_never_done(asks_first):
    work = Slow(asks_first=asks_first)
    with pytest.raises(Unanswered) as error:
        within(0.1, work)
    assert error.value.certain is not asks_first, "once it commits, nobody can tell"
    work.go.set()
    assert work.over.wait(5)
    assert (work.committed, work.given_up) == (asks_first, not asks_first)


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_a_database_that_is_away_is_no_answer_and_uncertain_only_from_the_commit_on(settings, asked, threaded):
    settings.HAND_OVER_THREADS = threaded

    def fails(wanted):
        if asked:
            wanted()
        raise OperationalError("connection refused")

    with pytest.raises(Unanswered) as error:
        within(5, fails)
    assert error.value.certain is not asked


def test_work_that_hangs_leaves_no_more_than_its_own_threads_hanging():
    hanging = [Slow() for _ in range(AT_ONCE)]
    for work in hanging:
        with pytest.raises(Unanswered):
            within(0.05, work)
    never_begun = Slow()
    with pytest.raises(Unanswered) as error:
        within(0.05, never_begun)
    assert error.value.certain
    assert not never_begun.begun.is_set()
    for work in hanging:
        work.go.set()
        assert work.over.wait(5)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            assert within(0.5, lambda wanted: "again") == "again"
        except Unanswered:
            continue
        break
    assert not never_begun.begun.is_set(), "what was told not to be done is not done later"
