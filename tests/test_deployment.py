"""The compose file names every process, and each of its commands starts outside of a container too."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import requests
import yaml

from tests import migrated
from tests.promised import promised
from tests.servers import free_port

HOUSE = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "breakwater"}
# What the compose specification lets a service say, as far as this file uses it.
KEYS = {
    "build", "image", "restart", "env_file", "stop_grace_period", "depends_on", "environment", "command", "volumes",
    "ports", "healthcheck",
}  # fmt: skip


def test_every_process_is_named():
    assert set(OURS) == {"front", "desk", "worker-live", "worker-intake", "worker-bulk", "watch", "migrate"}
    assert {"postgres", "redis", "proxy"} <= set(SERVICES)
    queues = {
        part for name in OURS for part in shlex.split(OURS[name]["command"]) if part in ("live", "intake", "bulk")
    }
    assert queues == {"live", "intake", "bulk"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_only_what_the_specification_knows(name):
    service = SERVICES[name]
    assert set(service) <= KEYS
    assert ("build" in service) or ("image" in service)
    depended = service.get("depends_on", [])
    assert set(depended) <= set(SERVICES)
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        assert source.startswith("./") or source in COMPOSE["volumes"]
        assert not source.startswith("./") or (HOUSE / source).exists()


def test_the_front_starts_without_the_database():
    assert not SERVICES["front"]["depends_on"]


def test_the_settings_in_the_example_are_known():
    names = [line.partition("=")[0] for line in (HOUSE / "docs/example.env").read_text().splitlines() if "=" in line]
    known = (HOUSE / "triage/settings.py").read_text() + (HOUSE / "docker-compose.yml").read_text()
    assert [name for name in names if not name.startswith("#") and name not in known] == []


@pytest.mark.xdist_group("processes")
# Workers differ by their queues.
@pytest.mark.parametrize("name", sorted({*OURS} - {"migrate"} - promised(set(), {"worker-intake", "worker-bulk"})))
def test_the_command_starts_and_ends(name, tmp_path):
    port = free_port()
    words = [str(port) if word in ("8000", "8001") else word for word in shlex.split(OURS[name]["command"])]
    words = ["127.0.0.1" if word == "0.0.0.0" else word for word in words]
    beside = Path(sys.executable).parent
    words[0] = sys.executable if words[0] == "python" else str(beside / words[0])
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "DEMO")
    } | {"BREAKWATER_VAR": str(tmp_path), "BREAKWATER_ROLE": OURS[name]["environment"]["BREAKWATER_ROLE"]}
    if OURS[name]["environment"]["BREAKWATER_ROLE"] in ("desk", "watch"):
        manage = [sys.executable, "manage.py", "migrate", "-v", "0"]
        run = partial(subprocess.run, manage, cwd=HOUSE, env={**environment, "BREAKWATER_ROLE": ""}, check=True)
        migrated.sqlite(tmp_path / "breakwater.sqlite3", run)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(words, cwd=HOUSE, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        if "granian" in words[0]:
            _wait_for(port, process)
        else:
            time.sleep(3)
        assert process.poll() is None, (tmp_path / "log").read_text()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen) -> None:
    """Waits for an answer, whichever: granian listens before it has loaded anything, and is slow to end until then."""
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/", timeout=20)
            return
        time.sleep(0.1)
    pytest.fail("it does not answer")
