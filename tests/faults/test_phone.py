"""The phone is always answered: database stopped, frozen, slow, desk at a standstill, Redis gone."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import requests

from tests.faults.callers import Callers
from tests.servers import DelayingProxy, Postgres, Redis, wait_until
from tests.stack import Stack
from tests.tickets import mailings
from voice.simulator.player import Player
from voice.simulator.state import Call

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("processes")]

WORDS = "We know that logins fail"
# Seconds within which a call is answered, whatever has happened.
PROMISED = 1.0
# Seconds that things have to be as they were after a fault.
BACK = 60.0


@dataclass
class House:
    stack: Stack
    postgres: Postgres
    redis: Redis
    proxy: DelayingProxy


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A whole Breakwater beside servers of its own, in incident mode, its database behind a proxy."""
    with Postgres() as postgres, Redis() as redis, DelayingProxy(postgres.port) as proxy:
        direct = postgres.create("house")
        through = postgres.url("house", proxy.port)
        urls = {"DATABASE_URL": through, "DIRECT_DATABASE_URL": direct, "REDIS_URL": redis.url()}
        with Stack(**urls) as stack:
            stack.manage("lines", "announce", "--text", f"en={WORDS}", "--why", "a test")
            wait_until(lambda: WORDS in stack.call("/voice/main/answer/", CallSid="").heard, "the announcement")
            yield House(stack, postgres, redis, proxy)


@contextlib.contextmanager
def database_stopped(house: House) -> Iterator[None]:
    house.postgres.stop()
    try:
        yield
    finally:
        house.postgres.start()


@contextlib.contextmanager
def database_frozen(house: House) -> Iterator[None]:
    house.postgres.freeze()
    try:
        yield
    finally:
        house.postgres.thaw()


@contextlib.contextmanager
def database_slow(house: House) -> Iterator[None]:
    house.proxy.delay = 5.0
    try:
        yield
    finally:
        house.proxy.delay = 0.0


@contextlib.contextmanager
def desk_at_a_standstill(house: House) -> Iterator[None]:
    """Every thread of the desk waits for a table that somebody holds."""

    def look() -> None:
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{house.stack.desk_url}/desk/", cookies={"sessionid": "x" * 32}, timeout=20)

    with psycopg.connect(house.stack.env["DIRECT_DATABASE_URL"]) as holder:
        holder.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        lookers = [threading.Thread(target=look) for _ in range(16)]
        for looker in lookers:
            looker.start()
        time.sleep(0.5)
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{house.stack.desk_url}/help/", timeout=1)
        yield
        holder.rollback()
    for looker in lookers:
        looker.join()


@contextlib.contextmanager
def redis_stopped(house: House) -> Iterator[None]:
    house.redis.stop()
    try:
        yield
    finally:
        house.redis.start()


@contextlib.contextmanager
def redis_frozen(house: House) -> Iterator[None]:
    house.redis.freeze()
    try:
        yield
    finally:
        house.redis.thaw()


Fault = Callable[[House], contextlib.AbstractContextManager[None]]
FAULTS: list[Fault] = [
    database_stopped,
    database_frozen,
    database_slow,
    desk_at_a_standstill,
    redis_stopped,
    redis_frozen,
]


@pytest.mark.parametrize("place", range(len(FAULTS)), ids=[fault.__name__ for fault in FAULTS])
def test_a_call_is_answered_at_once_and_a_callback_asked_for_then_is_made_once(house: House, place: int):
    stack, number = house.stack, f"+1201555{place:04d}"
    with Callers(stack, f"{place:03x}") as callers:
        callers.wait_for(10)
        with FAULTS[place](house):
            callers.wait_for(30)
            asked = _ask_for_callback(stack, number, f"CA{place}".ljust(34, "e"))
            # Twilio tries again: the same step of the same call.
            again = _ask_for_callback(stack, number, f"CA{place}".ljust(34, "e"))
        callers.wait_for(10)
    assert callers.failed == []
    assert [answer.text for answer in callers.answers if WORDS not in answer.heard] == []
    assert callers.slowest < PROMISED
    for call in (asked, again):
        assert [one.why for one in call.log if one.error] == []
        assert max(one.seconds for one in call.log) < PROMISED
        assert any("call you back" in one.text for one in call.heard)
    wait_until(lambda: _callbacks(stack, number) == 1, "the callback", BACK)
    wait_until(lambda: _kept(stack, callers) == len(set(callers.sids())), "every call", BACK)
    wait_until(lambda: not list((stack.var / "spool").glob("*.json")), "an empty spool", BACK)
    assert not list((stack.var / "spool").glob("bad/*"))
    assert _callbacks(stack, number) == 1


def test_work_goes_on_without_redis(house: House):
    stack, mail = house.stack, mailings.postmark("Nothing works.", Subject="Written while Redis was away")
    with redis_stopped(house):
        number = "+12015559999"
        assert _ask_for_callback(stack, number, "CA" + "a" * 32).error == 0
        posted = requests.post(f"{stack.front_url}/mail/in/postmark/", mail, headers=_postmark(), timeout=PROMISED)
        assert posted.status_code == 200
        wait_until(lambda: _callbacks(stack, number) == 1, "the callback without Redis", BACK)
        ticket = "SELECT count(*) FROM tickets_ticket WHERE subject = 'Written while Redis was away'"
        wait_until(lambda: stack.sql(ticket) == [(1,)], "the ticket without Redis", BACK)
        answered = "SELECT count(*) FROM tickets_outgoing WHERE state = 'sent' AND \"to\" = 'jo@example.org'"
        wait_until(lambda: stack.sql(answered) == [(1,)], "the acknowledgement without Redis", BACK)


def test_a_host_switches_its_lines_while_the_database_is_away(house: House):
    stack = house.stack
    with database_stopped(house):
        stack.manage("lines", "announce", "--local", "--text", "en=Our lines are being repaired.")
        assert "being repaired" in stack.call("/voice/main/answer/", CallSid="CA" + "d" * 32).heard
        stack.manage("lines", "clear", "--local")
        assert "Welcome to Acme" in stack.call("/voice/main/answer/", CallSid="CA" + "c" * 32).heard
        stack.manage("lines", "announce", "--local", "--text", f"en={WORDS}")
    merged = "SELECT count(*) FROM voice_announcement WHERE local_key <> '' AND ended_at IS NULL"
    wait_until(lambda: stack.sql(merged) == [(1,)], "the merge", BACK)
    assert WORDS in stack.call("/voice/main/answer/", CallSid="CA" + "b" * 32).heard


MANAGER = """
from django.contrib.auth.models import Group, User
from voice import pins
manager = User.objects.create_user("maya")
manager.groups.set(Group.objects.filter(name="manager"))
pins.keep(manager, ["+12015550177"], "480917")
"""


@pytest.fixture(scope="module")
def manager(house: House) -> str:
    """The number of somebody who may switch the lines by phone, once the front knows it."""
    house.stack.python(MANAGER)

    def known() -> bool:
        call = house.stack.caller("+12015550177", "CA" + "f" * 32).dial().press("*").call
        return any("PIN" in one.text for one in call.heard)

    wait_until(known, "the manager's number")
    return "+12015550177"


@pytest.mark.parametrize("fault", [database_stopped, database_frozen])
def test_a_manager_is_told_that_nothing_can_be_switched_while_callers_are_answered(
    house: House, manager: str, fault: Fault
):
    stack = house.stack
    name = fault.__name__
    with Callers(stack, f"{len(name):03x}") as callers, fault(house):
        callers.wait_for(10)
        for place in range(3):
            sid = f"CA{len(name)}{place}".ljust(34, "d")
            call = stack.caller(manager, sid).dial().press("*").press("480917#").call
            assert [one.why for one in call.log if one.error] == []
            assert any("Nothing can be switched by phone now" in one.text for one in call.heard)
        callers.wait_for(10)
    assert callers.failed == []
    assert callers.slowest < PROMISED
    assert [answer.text for answer in callers.answers if WORDS not in answer.heard] == []


def test_a_manager_publishes_and_takes_down_by_phone_within_a_second(house: House, manager: str):
    stack = house.stack

    def dialled_in(sid: str) -> Player:
        def begun() -> Player:
            return stack.caller(manager, sid).dial().press("*").press("480917#")

        wait_until(lambda: "To announce something" in begun().call.heard[-2].text, "the database", BACK)
        return begun()

    def heard(sid: str) -> str:
        return stack.call("/voice/main/answer/", CallSid=sid.ljust(34, "9")).heard

    # No account at Twilio: the recording cannot be had, and the prepared words are published.
    player = dialled_in("CA" + "1" * 32).press("1").speak(5).press("3").press("1")
    assert any("Done." in one.text for one in player.call.heard)
    wait_until(lambda: heard("CA1").startswith("We know."), "the prepared words", PROMISED)
    player = dialled_in("CA" + "2" * 32).press("9")
    assert any("taken down" in one.text for one in player.call.heard)
    wait_until(lambda: heard("CA2").startswith("Welcome to Acme"), "the everyday words", PROMISED)
    stack.manage("lines", "announce", "--text", f"en={WORDS}", "--why", "a test")
    wait_until(lambda: WORDS in heard("CA3"), "the announcement")


def _ask_for_callback(stack: Stack, number: str, sid: str) -> Call:
    player = stack.caller(number, sid).dial()
    assert any(WORDS in one.text for one in player.call.heard)
    return player.press("1").call


def _postmark() -> dict[str, str]:
    token = mailings.basic("provider:secret-of-a-test")["HTTP_AUTHORIZATION"]
    return {"Authorization": token, "Content-Type": "application/json"}


def _callbacks(stack: Stack, number: str) -> int:
    return int(stack.sql(f"SELECT count(*) FROM voice_callback WHERE number = '{number}'")[0][0])


def _kept(stack: Stack, callers: Callers) -> int:
    keys = ",".join(f"'{sid}%'" for sid in callers.sids())
    return int(stack.sql(f"SELECT count(*) FROM tickets_arrival WHERE key LIKE ANY (ARRAY[{keys}])")[0][0])
