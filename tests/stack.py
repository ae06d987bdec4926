"""The whole product as real processes on free ports, with a folder and a database of its own: `manage.py up`."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from xml.etree import ElementTree

import psycopg
import requests
from twilio.request_validator import RequestValidator
from urllib3 import PoolManager

from tests import migrated
from tests.servers import HOST, children_of, free_port, wait_until
from tests.voice import checked
from voice.simulator.documents import words
from voice.simulator.http import over_http
from voice.simulator.player import Player
from voice.simulator.state import Call, Number, parameters
from voice.simulator.webhooks import Exchange, Webhooks

ROOT = Path(__file__).parents[1]
TOKEN = "0123456789abcdef0123456789abcdef"
# Seconds that the tree has to come up and to go down.
UP, DOWN = 60.0, 30.0
LINE = """
from voice.models import Line
Line.objects.create(key="main", name="Support", number="+12025550199", languages=["en"],
                    open_text={"en": "Welcome to Acme."}, incident_text={"en": "We know."})
"""


class Stack:
    """A running Breakwater. `env` is added to its environment: another DATABASE_URL, a mail server.

    Its own database is a copy of one that was migrated (tests/migrated.py); `from_nothing` it begins empty, as it does
    for whoever starts Breakwater first, and so does one that is given.
    """

    def __init__(self, *, from_nothing: bool = False, **env: str) -> None:
        self.port = free_port(beside=1)
        self.var = Path(tempfile.mkdtemp(prefix="breakwater-stack-"))
        self.desk_url, self.front_url = f"http://{HOST}:{self.port}", f"http://{HOST}:{self.port + 1}"
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("BREAKWATER_", "PYTEST"))
        }
        self.env = inherited | {
            "BREAKWATER_VAR": str(self.var),
            "EXPORT_ROOT": str(self.var / "export"),
            "PUBLIC_URL": self.front_url,
            "ALLOWED_HOSTS": f"{HOST},localhost",
            "SECRET_KEY": "a-key-for-a-test-" + "k" * 40,
            "TWILIO_AUTH_TOKENS": TOKEN,
            "MAIL_WEBHOOK_SECRETS": "provider:secret-of-a-test",
            "DEMO": "",
            "CALL_HOURS": "0-24",
        }
        self.env |= env
        self._from_nothing = from_nothing or bool(env.get("DATABASE_URL"))
        self._made = ""
        if "DATABASE_URL" not in env and os.environ.get("DATABASE_URL"):
            self._made = f"stack_{self.port}"
            self.env["DATABASE_URL"] = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self._made}").geturl()
        self._process: subprocess.Popen[bytes] | None = None
        self._tree: list[int] = []
        self._pool = PoolManager(maxsize=50)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._show_log()
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._show_log()
        self.close()

    def start(self) -> None:
        """Starts the tree and waits until desk and front answer, with one phone line to call."""
        self._make_database()
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", "up", "--port", str(self.port)]
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        wait_until(lambda: self._answers(self.desk_url) and self._answers(self.front_url), "desk and front", UP)
        self.python(LINE)
        wait_until(lambda: "Welcome to Acme" in self.call("/voice/main/answer/", CallSid="").heard, "the plan", UP)

    def stop(self) -> list[int]:
        """Interrupts the tree as Ctrl-C does; returns the processes that were left after it (none, it should be)."""
        if self._process is None:
            return []
        self._tree = [self._process.pid, *children_of(self._process.pid)]
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(DOWN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        left = [pid for pid in self._tree if _runs(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left

    def close(self) -> None:
        """Stops everything and removes its folder and its database."""
        self.stop()
        shutil.rmtree(self.var, ignore_errors=True)
        if self._made:
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{self._made}" WITH (FORCE)')

    @property
    def log(self) -> Path:
        return self.var / "log"

    # ── its processes ──────────────────────────────────────────────────────────────────────────────────────────────

    def pids(self, role: str) -> list[int]:
        """The supervisor's own children of a role (BREAKWATER_ROLE)."""
        assert self._process is not None
        own = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [int(pid) for pid in own if f"BREAKWATER_ROLE={role}".encode() in _environment(int(pid)).split(b"\0")]

    def kill(self, role: str) -> list[int]:
        """SIGKILL for the processes of a role and what they started; the ids of the supervisor's children."""
        found = self.pids(role)
        for pid in [below for one in found for below in (one, *children_of(one))]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return found

    def kill_command(self, words: str) -> list[int]:
        """SIGKILL for every process of the tree whose command line says `words`; their ids."""
        assert self._process is not None
        said = {pid: _command(pid) for pid in children_of(self._process.pid)}
        found = [pid for pid, command in said.items() if words in command]
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return found

    # ── its commands and its database ──────────────────────────────────────────────────────────────────────────────

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Runs a command of manage.py in the stack's environment; what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def python(self, code: str) -> str:
        """Runs Python in the stack's environment, models at hand."""
        return self.manage("shell", "--no-imports", "-c", code)

    def sql(self, query: str) -> list[Any]:
        """Rows of the stack's own database, past everything of ours."""
        url = self.env.get("DATABASE_URL", "")
        if url:
            with psycopg.connect(self._direct or url, connect_timeout=5) as connection:
                return connection.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]
        with contextlib.closing(sqlite3.connect(self.var / "breakwater.sqlite3", timeout=20)) as local:
            return local.execute(query).fetchall()

    @property
    def _direct(self) -> str:
        """Where a proxy stands before the database: the way round it."""
        return self.env.get("DIRECT_DATABASE_URL", "")

    # ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, path: str, **params: str) -> "Heard":
        """One signed webhook to front, as Twilio sends it, and never again. NotAnswered."""
        params = {"From": "+12015550123", "To": "+12025550199", "CallStatus": "ringing", **params}
        (done,) = self._webhooks.fetch("POST", f"{self.env['PUBLIC_URL']}{path}#rc=0", params)
        if not done.status:
            raise NotAnswered(done.why)
        checked.check(done.body)
        return Heard(done)

    def caller(self, number: str, sid: str) -> Player:
        """Somebody who calls the line; nobody tells of the call's statuses."""
        said = parameters(caller=number, number="+12025550199", sid=sid)
        call = Call(Number(f"{self.env['PUBLIC_URL']}/voice/main/answer/#rc=0"), said, "lost")
        return Player(call, self._webhooks, inspect=checked.check)

    @property
    def _webhooks(self) -> Webhooks:
        way = over_http(self._pool, self.env["PUBLIC_URL"], self.front_url)
        return Webhooks(way, RequestValidator(TOKEN).compute_signature)

    def _answers(self, url: str) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "manage.py up has ended"
        try:
            return requests.get(f"{url}/help/", timeout=5).ok
        except requests.RequestException:
            return False

    def _make_database(self) -> None:
        """Makes one for `up` to find, which migrates what is not."""
        copied = migrated.in_a_run() and not self._from_nothing
        if self._made and copied:
            migrated.postgres(self.env["DATABASE_URL"], self._migrate)
        elif self._made:
            migrated.create(self.env["DATABASE_URL"], self._made)
        elif copied:
            migrated.sqlite(self.var / "breakwater.sqlite3", self._migrate)

    def _migrate(self, like: str = "") -> str:
        if self._made:
            migrated.create(self.env["DATABASE_URL"], self._made, like)
        if not like:
            self.manage("migrate", "--verbosity", "0")
        return self._made

    def _show_log(self) -> None:
        if self.log.exists():
            print(f"── the log of the stack ──\n{self.log.read_text(errors='replace')[-8000:]}")


class NotAnswered(requests.ConnectionError):
    """A webhook got no answer; the message says how."""


class Heard:
    """What a caller got for one webhook, and after how many seconds."""

    def __init__(self, done: Exchange) -> None:
        self.seconds, self.sid = done.seconds, ""
        self.status_code, self.text = done.status, done.body
        self.heard = words(ElementTree.fromstring(done.body)) if not done.error else ""


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _runs(pid: int) -> bool:
    """A zombie does not run; nor does a process that took a used id (this follows at once, so none has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
