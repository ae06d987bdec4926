"""The embedded default in a crowd: web threads, workers and a bulk reply at once, and nobody sees a locked database."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.promised import promised
from tests.servers import HOST, wait_until
from tests.stack import ROOT, Heard, Stack
from tests.tickets import smtp_server
from triage import supervisor

SECONDS, ROWS = promised((60, 10_000), (10, 600))
MORE_WORKERS, CONNECTIONS = 2, 4
pytestmark = [
    pytest.mark.timeout(promised(500, 200)),
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="it is about SQLite, which `make test` uses"),
]

BULK = f"""
from django.utils import timezone
from tickets import outbox
from tickets.models import Identity, Lane, Requester, Ticket
people = Requester.objects.bulk_create([Requester(name=f"Person {{i}}") for i in range({ROWS})])
Identity.objects.bulk_create(
    [Identity(requester=one, kind="email", value=f"p{{i}}@example.org") for i, one in enumerate(people)])
now = timezone.now()
tickets = Ticket.objects.bulk_create(
    [Ticket(requester=one, subject="It fails", medium="email", created_at=now, waiting_since=now) for one in people])
drafts = [outbox.Draft(kind="broadcast", lane=Lane.BULK, to=f"p{{i}}@example.org", requester=one, ticket=ticket,
                       subject="News", text="It works again.", group="broadcast:1", about=["update:1"])
          for i, (one, ticket) in enumerate(zip(people, tickets))]
for start in range(0, len(drafts), 500):
    outbox.queue_many(drafts[start:start + 500])
"""
SESSION = """
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
user = User.objects.create_user("ada", "ada@acme.example", "a long enough one")
user.groups.add(Group.objects.get(name="agent"))
client = Client()
client.force_login(user)
print("session", client.cookies[settings.SESSION_COOKIE_NAME].value)
"""


@pytest.fixture
def sink() -> Iterator[smtp_server.Handler]:
    handler = smtp_server.Handler()
    controller = smtp_server.start(handler)
    handler.port = controller.port
    yield handler
    controller.stop()


@pytest.fixture
def stack(sink: smtp_server.Handler) -> Iterator[Stack]:
    mail = {"MAIL_URL": f"smtp://{HOST}:{sink.port}", "MAIL_RATE": "10000", "MAIL_CONNECTIONS": str(CONNECTIONS)}
    with Stack(DATABASE_URL="", REDIS_URL="", LOG_LEVEL="WARNING", **mail) as running:
        yield running


@contextlib.contextmanager
def more_workers(stack: Stack) -> Iterator[None]:
    """Beside the two of the tree."""
    env = {**stack.env, "BREAKWATER_ROLE": "worker", "DJANGO_SETTINGS_MODULE": "triage.settings",
           "PYTHONWARNINGS": "ignore:You're running the worker"}  # fmt: skip
    with stack.log.open("ab") as log:
        workers = []
        try:
            for number in range(MORE_WORKERS):
                command = [part.replace("bulk-", f"more{number}-") for part in supervisor.celery("bulk", 1)]
                workers.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log))
            yield
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
            for worker in workers:
                worker.wait(30)


def test_nobody_sees_a_locked_database_and_everybody_hears_once(stack: Stack, sink: smtp_server.Handler):
    session = re.search(r"session (\w+)", stack.python(SESSION))
    assert session
    seen: Counter[str] = Counter()
    faults: list[str] = []

    def crowd(act: Callable[[int], requests.Response | Heard]) -> None:
        count = 0
        while time.monotonic() < end:
            count += 1
            try:
                answer = act(count)
            except requests.RequestException as error:
                faults.append(f"{act.__name__}: {error}")
                continue
            seen[act.__name__] += 1
            if answer.status_code >= 400 or "database is locked" in answer.text:
                faults.append(f"{act.__name__}: {answer.status_code} {answer.text[:200]}")

    with more_workers(stack):
        stack.python(BULK)
        end = time.monotonic() + SECONDS
        acts = [_writes(stack), _calls(stack), _looks(stack, session[1]), _answers(stack, session[1])]
        threads = [threading.Thread(target=crowd, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS / 3)
        killed = len(
            [pid for pid in stack.pids("worker") if "bulk" in _command(pid) and not os.kill(pid, signal.SIGKILL)]
        )
        for thread in threads:
            thread.join()
        left = "SELECT count(*) FROM tickets_outgoing WHERE lane = 'bulk' AND state = 'queued' AND kind = 'broadcast'"
        wait_until(lambda: stack.sql(left) == [(0,)], "the bulk reply", 300)
    assert faults == []
    assert all(seen[act.__name__] for act in acts), seen
    heard = Counter(str(message["To"]) for message in sink.got)
    rows = stack.sql("SELECT \"to\", state FROM tickets_outgoing WHERE kind = 'broadcast'")
    assert len(rows) == ROWS
    assert killed == 1
    assert [row for row in rows if row[1] == "sent" and heard[row[0]] != 1] == []
    # What the killed worker had in hand: marked, and heard once at the most.
    in_doubt = [row for row in rows if row[1] != "sent"]
    assert len(in_doubt) <= killed * CONNECTIONS
    assert {row[1] for row in in_doubt} <= {"sending", "uncertain"}
    assert [row for row in in_doubt if heard[row[0]] > 1] == []
    kept = "SELECT count(*) FROM tickets_arrival WHERE channel = 'web_form'"
    wait_until(lambda: stack.sql(kept) == [(seen["writes"],)], "every form", 60)


def _writes(stack: Stack) -> Callable[[int], requests.Response]:
    def writes(count: int) -> requests.Response:
        page = requests.get(f"{stack.front_url}/help/", timeout=30)
        nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
        assert nonce, page.text
        told = {"nonce": nonce[1], "email": f"c{count}@example.org", "subject": "s", "message": f"m{count}"}
        return requests.post(f"{stack.front_url}/help/", {**told, "language": "en"}, timeout=30)

    return writes


def _calls(stack: Stack) -> Callable[[int], Heard]:
    def calls(count: int) -> Heard:
        return stack.call("/voice/main/answer/", CallSid=f"CA{count:032x}")

    return calls


def _looks(stack: Stack, session: str) -> Callable[[int], requests.Response]:
    def looks(count: int) -> requests.Response:
        return requests.get(f"{stack.desk_url}/desk/", cookies={"sessionid": session}, timeout=30)

    return looks


def _answers(stack: Stack, session: str) -> Callable[[int], requests.Response]:
    def answers(count: int) -> requests.Response:
        with requests.Session() as browser:
            browser.cookies.set("sessionid", session)
            page = browser.get(f"{stack.desk_url}/tickets/{count}/", timeout=30)
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            if token is None:
                return page
            told = {"csrfmiddlewaretoken": token[1], "text": f"Note {count}"}
            return browser.post(f"{stack.desk_url}/tickets/{count}/note/", told, timeout=30)

    return answers


def _command(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline") as line:
        return line.read()
