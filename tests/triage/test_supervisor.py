"""Children that die are started again, ever more patiently; told to stop, nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import children_of, wait_until
from triage import supervisor
from triage.supervisor import Role, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# A child with a child of its own, both deaf to polite requests.
STUBBORN_SOURCE = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", deaf])
time.sleep(600)
"""
STUBBORN = [sys.executable, "-c", STUBBORN_SOURCE]
RUN = """
import sys
import django
django.setup()
from triage.supervisor import Role, Supervisor
Supervisor([Role("one", sys.argv[1:], "watch")]).run()
"""


@pytest.fixture
def one() -> Supervisor:
    made = Supervisor([Role("one", SLEEP, "watch")])
    made._children = [supervisor._Child(role) for role in made.roles]
    yield made
    made._end_all()


def test_a_dead_child_is_started_again_after_a_pause_that_grows(one):
    child, pauses, now = one._children[0], [], 1000.0
    for _ in range(9):
        one._look_after(now)
        child.process.kill()
        child.process.wait()
        one._look_after(now + 1)
        assert child.process is None
        pauses.append(child.pause)
        one._look_after(now + 1 + child.pause / 2)
        assert child.process is None
        now = now + 1 + child.pause
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_a_child_that_lived_long_enough_comes_back_at_once(one):
    child = one._children[0]
    child.pause = supervisor.LONGEST_PAUSE
    one._look_after(1000.0)
    child.process.kill()
    child.process.wait()
    one._look_after(1000.0 + supervisor.HEALTHY + 1)
    assert child.pause == supervisor.FIRST_PAUSE


def test_a_child_knows_its_role(one):
    one._look_after(1000.0)
    environment = Path(f"/proc/{one._children[0].process.pid}/environ")
    wait_until(lambda: b"BREAKWATER_ROLE=watch" in environment.read_bytes().split(b"\0"), "its environment")


def test_stubborn_children_and_their_children_are_killed(one, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE", 0.5)
    one._children[0].role = Role("stubborn", STUBBORN, "watch")
    one._look_after(1000.0)
    pid = one._children[0].process.pid
    wait_until(lambda: len(children_of(pid)) == 1, "a grandchild")
    below = children_of(pid)
    one._end_all()
    wait_until(lambda: not any(_runs(each) for each in (pid, *below)), "their end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_whatever_ends_the_supervisor_ends_its_children(number, tmp_path):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "triage.settings", "BREAKWATER_VAR": str(tmp_path)}
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", RUN, *SLEEP], cwd=root, env=env)
    try:
        wait_until(lambda: len(children_of(process.pid)) == 1, "the child")
        (child,) = children_of(process.pid)
        time.sleep(0.3)
        process.send_signal(number)
        assert process.wait(20) == (0 if number != signal.SIGKILL else -9)
        wait_until(lambda: not _runs(child), "the child's end")
    finally:
        process.kill()
        process.wait()


def test_an_empty_control_file_does_not_keep_a_worker_from_starting(settings, tmp_path):
    control = tmp_path / "control"
    control.mkdir()
    (control / "left.exchange").touch()
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"control_folder": str(control)}
    supervisor._empty_control_folder()
    assert list(control.iterdir()) == []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
