"""The answer in incident mode, journaled, beside a bare Django view that checks the same signature and commits one row.

On PostgreSQL: both under the same server, interleaved, from 50 connections; then the same with the database stopped,
where the bare view writes and fsyncs a file as the spool does. Workers and watch stand still meanwhile (SIGSTOP): they
have the machine's other processors in a house of their own. Last, front is killed under load, and every call that was
answered is looked for.
"""

import http.client
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench.bench_calls import PATH, Load, _answers, calls, load
from tests.servers import HOST, Postgres, Redis, children_of, free_port, wait_until
from tests.stack import Stack

ROUNDS, CONNECTIONS = 3, 50
# Seconds of load before front is killed.
BEFORE_THE_KILL = 3.0


@contextmanager
def bare(stack: Stack, what: str, like: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The bare view under a server with front's own options; yields its port and process id."""
    port = free_port()
    command = list(like)
    command[command.index("--port") + 1] = str(port)
    command[-1] = "tests.bench.bare_view:application"
    environment = {**stack.env, "BREAKWATER_ROLE": "front", "BARE": what}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_there(port), "the bare view", 20)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait()


def beside(stack: Stack, what: str, name: str, first: int) -> None:
    """Interleaved rounds of front and of the bare view; prints both and their ratio."""
    pid = stack.pids("front")[0]
    like = [part.decode() for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    ours: list[Load] = []
    limit: list[Load] = []
    with bare(stack, what, like) as (port, bare_pid):
        for number in range(ROUNDS):
            start = first + number * 20_000
            limit.append(load(port, bare_pid, calls(stack, 10_000, start), CONNECTIONS))
            ours.append(load(stack.port + 1, pid, calls(stack, 10_000, start + 10_000), CONNECTIONS))
    for who, rounds in ((f"bare, {what}", limit), ("incident answer", ours)):
        rate, slow, cpu = (
            statistics.median(getattr(one, part) for one in rounds) for part in ("rate", "slow_ms", "cpu_us")
        )
        print(f"{name}: {who:16} {rate:6.0f}/s, p99 {slow:6.1f} ms, {cpu:5.0f} µs of processor each")
    pairs = list(zip(ours, limit, strict=True))
    rates = statistics.median(one.rate / other.rate for one, other in pairs)
    cpu = statistics.median(other.cpu_us / one.cpu_us for one, other in pairs)
    print(f"{name}: ratio of rates {rates:.2f} (goal 0.60), of calls a processor's second {cpu:.2f}", flush=True)


@contextmanager
def standing_still(stack: Stack) -> Iterator[None]:
    """Workers and watch get no processor."""
    pids = [
        below for role in ("worker", "watch", "desk") for pid in stack.pids(role) for below in (pid, *children_of(pid))
    ]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def killed_under_load(stack: Stack) -> tuple[int, int]:
    """Front is killed while 50 people call; how many calls were answered, and how many of them are nowhere."""
    answered: list[str] = []
    over = threading.Event()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(HOST, stack.port + 1, timeout=15)
        for place, (body, headers) in enumerate(calls(stack, 400, 5_000_000 + number * 1000)):
            if over.is_set():
                return
            try:
                connection.request("POST", PATH, body, headers)
                answer = connection.getresponse()
                if answer.status == 200 and answer.read().endswith(b"</Response>"):
                    answered.append(f"CA{5_000_000 + number * 1000 + place:032x}")
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    time.sleep(BEFORE_THE_KILL)
    stack.kill("front")
    over.set()
    for thread in threads:
        thread.join()
    wait_until(lambda: _answers(stack.port + 1) or _is_there(stack.port + 1), "front again", 30)
    missing: set[str] = set(answered)

    def all_there() -> bool:
        rows = stack.sql("SELECT key FROM tickets_arrival WHERE channel = 'call'")
        missing.difference_update(row[0].partition(":")[0] for row in rows)
        return not missing

    with suppress(AssertionError, TimeoutError):
        wait_until(all_there, "every answered call", 30)
    return len(answered), len(missing)


def main() -> None:
    with Postgres() as postgres, Redis() as redis:
        urls = {"DATABASE_URL": postgres.create("incident"), "REDIS_URL": redis.url()}
        with Stack(**urls) as stack:
            stack.manage("lines", "announce", "--text", "en=We know that logins fail.", "--why", "a benchmark")
            wait_until(
                lambda: "We know that" in stack.call("/voice/main/answer/", CallSid="").heard, "the announcement"
            )
            with standing_still(stack):
                beside(stack, "row", "database up", 1)
            answered, missing = killed_under_load(stack)
            print(f"front killed under load: {answered} calls were answered, {missing} of them are nowhere", flush=True)
            with standing_still(stack):
                postgres.stop()
                try:
                    beside(stack, "file", "database stopped", 1_000_000)
                finally:
                    postgres.start()


def _is_there(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        connection.request("POST", PATH, b"")
        return connection.getresponse().status in (200, 403)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
