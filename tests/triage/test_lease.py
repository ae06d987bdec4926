"""Two never act at once, and one who was away too long finds out."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connections

from triage.lease import Held
from triage.models import Lease

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_the_second_waits_until_the_first_lets_go():
    first, second = Held("watch", "a", 30), Held("watch", "b", 30)
    assert first.keep()
    assert not second.keep()
    first.release()
    assert second.keep()
    assert not first.keep()


@pytest.mark.django_db
def test_a_lease_that_is_not_renewed_runs_out_and_its_fence_grows():
    first, second = Held("watch", "a", 30), Held("watch", "b", 30)
    with time_machine.travel(NOON, tick=False) as clock:
        assert first.keep()
        clock.move_to(NOON + timedelta(seconds=29))
        assert not second.keep()
        assert first.keep()
        clock.move_to(NOON + timedelta(seconds=58))
        assert not second.keep()
        clock.move_to(NOON + timedelta(seconds=60))
        assert second.keep()
        assert not first.keep()
        assert (first.fence, second.fence) == (None, 2)


@pytest.mark.django_db
def test_one_who_comes_back_under_the_same_name_does_not_take_what_another_holds():
    before = Held("watch", "host:1", 30)
    assert before.keep()
    Lease.objects.update(holder="host:2", fence=7)
    assert not before.keep()
    assert Lease.objects.get().holder == "host:2"


@pytest.mark.django_db
def test_a_release_that_comes_late_takes_nothing_from_the_next():
    late, next_one = Held("watch", "a", 30), Held("watch", "b", 30)
    with time_machine.travel(NOON, tick=False) as clock:
        assert late.keep()
        clock.move_to(NOON + timedelta(seconds=31))
        assert next_one.keep()
        late.release()
        assert Lease.objects.get().until == NOON + timedelta(seconds=61)


@pytest.mark.django_db
def test_leases_of_different_names_know_nothing_of_each_other():
    assert Held("watch", "a", 30).keep()
    assert Held("export", "b", 30).keep()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_one():
    got: list[str] = []
    gate = threading.Barrier(3)

    def take(name: str) -> None:
        held = Held("watch", name, 30)
        gate.wait()
        try:
            if held.keep():
                got.append(name)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert Lease.objects.get().holder == got[0]
