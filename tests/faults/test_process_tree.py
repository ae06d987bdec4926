"""The whole tree of processes, started on nothing: a killed child comes back, Ctrl-C ends all of it."""

import pytest

from tests.servers import wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("processes")]


def test_a_killed_child_comes_back_and_an_interrupt_leaves_no_process():
    with Stack(from_nothing=True) as stack:
        before = {role: stack.pids(role) for role in ("desk", "front", "worker", "watch")}
        assert {role: len(pids) for role, pids in before.items()} == {"desk": 1, "front": 1, "worker": 2, "watch": 1}
        for role in ("front", "watch"):
            assert stack.kill(role) == before[role]
        for role in ("front", "watch"):
            wait_until(lambda role=role: len(stack.pids(role)) == 1 and stack.pids(role) != before[role], role)

        def answered() -> bool:
            try:
                return "Welcome to Acme" in stack.call("/voice/main/answer/", CallSid="CA" + "0" * 32).heard
            except OSError:
                return False

        wait_until(answered, "front after its death")
        assert stack.pids("desk") == before["desk"]
        assert stack.stop() == []
