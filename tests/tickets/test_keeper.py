"""What requests answer from is current while the database is there, and the last good copy while it is not."""

import json
import threading

import pytest
from django.db import OperationalError

from tests.servers import wait_until
from tickets import keeper
from tickets.keeper import Keeper


class Source:
    """What a keeper compiles; away, or slow, when told to be."""

    def __init__(self) -> None:
        self.words, self.away, self.gate = "first", False, threading.Event()
        self.gate.set()

    def __call__(self) -> dict[str, str]:
        self.gate.wait(20)
        if self.away:
            raise OperationalError("away")
        return {"words": self.words}


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_refresh_is_seen_at_once_and_lies_on_disk(source):
    kept = Keeper("test", source)
    kept.refresh()
    source.words = "second"
    assert kept.refresh() == kept.current() == {"words": "second"}
    assert json.loads(kept.path.read_text()) == {"words": "second"}


def test_a_new_process_answers_as_the_last_one_did_while_the_database_is_away(source):
    Keeper("test", source).refresh()
    source.away = True
    assert Keeper("test", source).current() == {"words": "first"}


def test_a_torn_copy_is_no_copy(source):
    kept = Keeper("test", source)
    kept.path.parent.mkdir(parents=True)
    kept.path.write_bytes(b'{"words": "fi')
    assert kept.current() == {}
    kept.path.write_bytes(b"[]")
    assert kept.current() == {}


@pytest.fixture
def threads(settings) -> None:
    settings.KEEPER_THREADS = True


def test_a_new_process_prefers_what_is_in_force_now_to_the_copy_on_disk(source, threads):
    Keeper("test", source).refresh()
    source.words = "changed while nobody ran"
    kept = Keeper("test", source, every=3600)
    assert kept.current() == {"words": "changed while nobody ran"}


def test_a_database_that_hangs_costs_a_new_process_one_short_wait_and_never_the_copy(source, threads, monkeypatch):
    Keeper("test", source).refresh()
    monkeypatch.setattr(keeper, "FIRST", 0.1)
    source.gate.clear()
    kept = Keeper("test", source, every=3600)
    assert kept.current() == {"words": "first"}
    # Were anybody to wait again, this would take an hour.
    monkeypatch.setattr(keeper, "FIRST", 3600)
    assert kept.current() == {"words": "first"}
    source.gate.set()


def test_the_last_good_copy_stays_in_force_and_the_next_good_one_follows(source, threads):
    kept = Keeper("test", source, every=0.02)
    wait_until(lambda: kept.current() == {"words": "first"}, "the first")
    source.away = True
    source.words = "second"
    kept._ready.clear()
    assert not kept._ready.wait(0.2)
    assert kept.current() == {"words": "first"}
    source.away = False
    wait_until(lambda: kept.current() == {"words": "second"}, "the second")
    source.gate.clear()
