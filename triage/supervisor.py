"""One process tree for one machine: desk, front, workers and watch, started again when they die, ended together."""

import ctypes
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

# Seconds: the first and the longest pause before a child that died is started again, and the life that clears it.
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY = 0.5, 30.0, 10.0
# Seconds that children have to end in good order.
GRACE = 12.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of process: its command and what its environment says (`BREAKWATER_ROLE`)."""

    name: str
    command: Sequence[str]
    role: str


@dataclass(slots=True)
class _Child:
    role: Role
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    next_start: float = 0.0


def roles(host: str, port: int) -> list[Role]:
    """The processes of the embedded default: the desk on `port`, the front alone on the next."""
    return [
        Role("front", granian(host, port + 1, workers=1, threads=8), "front"),
        Role("desk", granian(host, port, workers=1, threads=8), "desk"),
        Role("worker", celery("live,intake", 2), "worker"),
        Role("worker-bulk", celery("bulk", 1), "worker"),
        Role("watch", [sys.executable, str(settings.BASE_DIR / "manage.py"), "watch"], "watch"),
    ]


def granian(host: str, port: int, *, workers: int, threads: int) -> list[str]:
    """The command of a web process."""
    options = {
        "--interface": "wsgi", "--host": host, "--port": port, "--workers": workers, "--blocking-threads": threads,
        "--workers-kill-timeout": 10, "--http1-header-read-timeout": 5000, "--log-level": "error",
    }  # fmt: skip
    flags = ["--no-ws", "--respawn-failed-workers", "triage.wsgi:application"]
    return [_tool("granian"), *(str(part) for pair in options.items() for part in pair), *flags]


def celery(queues: str, concurrency: int) -> list[str]:
    """The command of a worker for some queues. Threads: its work is waiting for the database and for others."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    name = f"{queues.replace(',', '-')}-{os.getpid()}@%h"
    worker = ["worker", "--queues", queues, "--pool", "threads", "--concurrency", str(concurrency), "--hostname", name]
    return [_tool("celery"), "--quiet", "--app", "triage", *worker, *quiet]


def _tool(name: str) -> str:
    """A program of the same environment as this Python."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else (shutil.which(name) or name)


@dataclass(slots=True)
class Supervisor:
    """Keeps children running until it is told to stop."""

    roles: Sequence[Role]
    stopping: bool = False
    _children: list[_Child] = field(default_factory=list)

    def run(self) -> None:
        """Runs until SIGINT or SIGTERM; then ends every child and its children."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        _empty_control_folder()
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        self._children = [_Child(role) for role in self.roles]
        try:
            while not self.stopping:
                self._look_after(time.monotonic())
                time.sleep(0.2)
        finally:
            self._end_all()

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _look_after(self, now: float) -> None:
        for child in self._children:
            if child.process is None:
                if now >= child.next_start:
                    self._start(child, now)
            elif child.process.poll() is not None:
                self._note_death(child, now)

    def _start(self, child: _Child, now: float) -> None:
        child.started = now
        environment = {
            **os.environ,
            "BREAKWATER_ROLE": child.role.role,
            "DJANGO_SETTINGS_MODULE": "triage.settings",
            # Celery's word about root at every start; containers and fresh machines run as root.
            "PYTHONWARNINGS": "ignore:You're running the worker",
        }
        child.process = subprocess.Popen(  # noqa: S603  commands of our own
            list(child.role.command),
            cwd=settings.BASE_DIR,
            env=environment,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  no threads run here
        )

    def _note_death(self, child: _Child, now: float) -> None:
        assert child.process is not None
        _signal_group(child.process, signal.SIGKILL)
        child.pause = FIRST_PAUSE if now - child.started > HEALTHY else min(child.pause * 2, LONGEST_PAUSE)
        child.next_start = now + child.pause
        log.error("%s ended (%s), starts again in %.1f s", child.role.name, child.process.returncode, child.pause)
        child.process = None

    def _end_all(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            _signal_group(process, signal.SIGTERM)
        until = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("process %d did not end in time and is killed", process.pid)
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signals a child and whatever it has started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _end_with_parent() -> None:
    """Has the kernel end this child when the supervisor dies, even by SIGKILL (Linux)."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def _empty_control_folder() -> None:
    """An empty file left in the filesystem transport's control folder keeps a worker from starting."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    if "control_folder" in options:
        for path in Path(str(options["control_folder"])).glob("*"):
            path.unlink(missing_ok=True)
