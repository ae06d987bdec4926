"""One loop under a lease: what is due is done, one fault stops nothing else, and two watches never act at once."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from tickets import journal, nudge, spool
from tickets.models import Arrival, ArrivalState
from triage import watch
from triage.lease import Held
from triage.watch import CHORES, Chore, Watch
from voice import reconcile
from voice.models import PinAttempt, Reconciliation

pytestmark = pytest.mark.django_db


@pytest.fixture
def done() -> list[str]:
    return []


def chores(done: list[str]) -> tuple[Chore, ...]:
    def fail() -> None:
        done.append("broken")
        raise RuntimeError("a chore's own fault")

    return (
        Chore("often", 5, lambda: done.append("often")),
        Chore("broken", 5, fail),
        Chore("seldom", 60, lambda: done.append("seldom")),
    )


def test_what_is_due_is_done_and_a_broken_chore_stops_no_other(done):
    one = Watch(chores(done), Held("watch", "a", 30))
    assert one.step(100) == ["often", "broken", "seldom"] == done
    assert one.step(104) == []
    assert one.step(105) == ["often", "broken"]
    assert one.step(160) == ["often", "broken", "seldom"]
    assert list(one.failed) == ["broken"]


def test_a_chore_that_works_again_is_no_fault_any_more(done):
    faults = [RuntimeError("once")]

    def once() -> None:
        if faults:
            raise faults.pop()

    one = Watch((Chore("healing", 5, once),), Held("watch", "a", 30))
    one.step(100)
    assert one.failed
    one.step(105)
    assert not one.failed


def test_of_two_watches_one_acts_and_the_other_takes_over_when_it_stops(done):
    other: list[str] = []
    first, second = Watch(chores(done), Held("watch", "a", 30)), Watch(chores(other), Held("watch", "b", 30))
    assert first.step(100)
    assert second.step(100) == other == []
    first._lease.release()
    assert second.step(200)
    assert first.step(200) == []


def test_a_lease_lost_in_a_long_chore_ends_the_round(done):
    lease, thief = Held("watch", "a", 0), Held("watch", "b", 30)

    def long() -> None:
        done.append("long")
        assert thief.keep()

    one = Watch((Chore("long", 5, long), *chores(done)), lease)
    assert one.step(100) == ["long"] == done


def test_a_database_that_is_away_ends_the_round_and_not_the_watch(done):
    class Away(Held):
        def keep(self) -> bool:
            raise OperationalError("away")

    assert Watch(chores(done), Away("watch", "a", 30)).step(100) == done == []


def test_told_to_stop_it_begins_no_further_chore(done):
    one = Watch((Chore("last", 5, lambda: one.stop()), *chores(done)), Held("watch", "a", 30))
    assert one.step(100) == ["last"]
    one.run()
    assert done == []


def test_every_chore_is_quick_to_do_twice_when_there_is_nothing_to_do():
    one = Watch(CHORES, Held("watch", "a", 30))
    assert one.step(1_000_000) == [chore.name for chore in CHORES]
    assert one.step(2_000_000) == [chore.name for chore in CHORES]
    assert one.failed == {}
    assert len({chore.name for chore in CHORES}) == len(CHORES)


def test_the_spool_of_a_process_that_is_gone_is_adopted():
    plain = {"sender": "", "happened_at": "2026-03-02T12:00:00+00:00", "payload": {}}
    spool.write({"channel": "web_form", "key": "left", **plain})
    assert watch.drain_spool() == 1
    assert Arrival.objects.get().key == "left"


def test_while_the_broker_is_away_the_watch_does_the_workers_work(monkeypatch):
    facts = {"sid": "CA1", "step": "answer", "caller": "+12015550123"}
    (pk,) = journal.record([journal.Incoming("call", "CA1:answer:0", "+12015550123", timezone.now(), facts)])
    assert watch.stand_in() == 0
    assert Arrival.objects.get(pk=pk).state == ArrivalState.ACCEPTED
    monkeypatch.setattr(nudge, "_failed", True)
    assert watch.stand_in() == 1
    assert Arrival.objects.get(pk=pk).state == ArrivalState.UNDERSTOOD


def test_old_pin_attempts_are_forgotten_but_not_of_calls_whose_recordings_are_still_to_be_read():
    now = timezone.now()
    for days in (1, 31, 33):
        at, sid = now - timedelta(days=days), f"CA{days}"
        PinAttempt.objects.create(number="+12015550177", call_sid=sid, place=0, at=at, outcome="right")
    read = Reconciliation.objects.create(name=reconcile.NAME, upto=now - timedelta(days=31, hours=12))
    assert watch.forget_pin_attempts() == 1
    read.upto = now
    read.save()
    assert watch.forget_pin_attempts() == 1
    assert PinAttempt.objects.get().call_sid == "CA1"
    read.delete()
    assert watch.forget_pin_attempts() == 0


def test_what_a_tick_finds_is_counted_and_told_in_the_same_round():
    after = [chore.name for chore in CHORES].index("tick") + 1
    tick, *others = CHORES[after - 1 : after + 3]
    assert [chore.name for chore in others] == ["count the people of surges", "tell of silences", "tell of surges"]
    assert {chore.every for chore in others} == {tick.every}
