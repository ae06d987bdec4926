"""Several real processes and threads at one outbox: killed in the middle, nobody is missed and nobody hears twice."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection, connections
from django.utils import timezone

from tests.promised import promised
from tickets import outbox
from tickets.models import Identity, Lane, Outgoing, Requester, Told

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = promised(10_000, 500)
KILLED_AT = (ROWS // 8, ROWS // 3, ROWS * 3 // 5)
# With the test's own, as many connections as a process's pool holds on PostgreSQL.
THREADS = 3


def start_worker(port: int) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.tickets.bulk_worker", str(connection.settings_dict["NAME"]), str(port)]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "triage.settings"}
    return subprocess.Popen(command, cwd=root, env=env)


def wait_for(condition, seconds=100.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def queued():
    people = Requester.objects.bulk_create([Requester(name=f"Person {i}") for i in range(ROWS)])
    drafts = [
        outbox.Draft(kind="broadcast", lane=Lane.BULK, to=f"p{i}@example.org", requester=person, ticket=None,
                     subject="News", text="It works again.", group="broadcast:1", about=["update:1"])
        for i, person in enumerate(people)
    ]  # fmt: skip
    return outbox.queue_many(drafts)


def test_workers_killed_in_a_bulk_reply_miss_nobody_and_double_nobody(queued, smtp, settings):
    workers = [start_worker(settings.EMAIL_PORT) for _ in range(2)]
    try:
        for part in KILLED_AT:
            wait_for(lambda part=part: len(smtp.got) >= part)
            victim = workers.pop(0)
            victim.kill()
            victim.wait()
            workers.append(start_worker(settings.EMAIL_PORT))
        for worker in workers:
            assert worker.wait(200) == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    settings.CLAIM_STALE_SECONDS = 0
    outbox.sweep()
    counted = Counter(smtp.recipients())
    rows = dict(Outgoing.objects.values_list("to", "state"))
    unsure = {to for to, state in rows.items() if state == "uncertain"}
    assert len(rows) == ROWS
    assert set(rows.values()) <= {"sent", "uncertain"}
    # One message for each connection of a worker that was killed, at the most.
    assert len(unsure) <= len(KILLED_AT) * settings.MAIL_CONNECTIONS
    assert [to for to, state in rows.items() if state == "sent" and counted[to] != 1] == []
    assert [to for to in unsure if counted[to] > 1] == []
    assert Told.objects.count() == ROWS


def in_threads(count: int, act) -> list:
    """Runs `act(i)` in threads at once; their results, and their exceptions."""
    results, gate = [], threading.Barrier(count)

    def run(i: int) -> None:
        gate.wait()
        try:
            results.append(act(i))
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_threads_at_one_lane_send_each_row_once(queued, smtp):
    dealt = in_threads(THREADS, lambda _: outbox.send_due(Lane.BULK, limit=80))
    assert set(Counter(smtp.recipients()).values()) == {1}
    assert sum(dealt) == len(smtp.got) == Outgoing.objects.filter(state="sent").count()


def test_one_person_hears_it_once_when_two_routes_race(smtp):
    person = Requester.objects.create(name="Jo")
    Identity.objects.create(requester=person, kind="email", value="jo@example.org")
    kinds = ["broadcast", "update", "ack"]

    def tell(i: int) -> bool:
        draft = {"kind": kinds[i], "lane": Lane.BULK, "to": "jo@example.org", "requester": person, "ticket": None}
        return outbox.queue(**draft, subject="s", text="t", about=["update:7"]) is not None

    assert sorted(in_threads(THREADS, tell)) == [False] * (THREADS - 1) + [True]
    assert Outgoing.objects.count() == Told.objects.count() == 1
    assert Outgoing.objects.get().due_at <= timezone.now()
