"""Answering a call: front beside a bare WSGI application on the same server, load from 8 connections, interleaved.

Reports calls a second, the slowest of a hundred, and the server's own processor time a call (its clients share the
machine, so that the last is the fairer ratio).
"""

import http.client
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from tests.bench import callers
from tests.servers import HOST, children_of, free_port, wait_until
from tests.stack import TOKEN, Stack
from triage.supervisor import granian

ROUNDS, SECONDS, CONNECTIONS = 3, 5.0, 8
PATH = "/voice/main/answer/"


@dataclass(frozen=True, slots=True)
class Load:
    """What one round measured: requests a second, the 99th percentile in ms, the server's processor time each in µs."""

    rate: float
    slow_ms: float
    cpu_us: float


@contextmanager
def bare(port: int) -> Iterator[int]:
    """A WSGI application that reads the body and answers a constant; yields the server's process id."""
    command = granian(HOST, port, workers=1, threads=8)
    command[command.index("triage.wsgi:application")] = "tests.bench.bare:application"
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), "the bare application", 20)
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def load(port: int, pid: int, requests: list[tuple[bytes, dict[str, str]]], connections: int = CONNECTIONS) -> Load:
    """Sends each request once, for SECONDS at the most."""
    before, begun = _processor_time(pid), time.perf_counter()
    took = callers.call(port, PATH, requests, connections, SECONDS)
    lasted, spent = time.perf_counter() - begun, _processor_time(pid) - before
    return Load(len(took) / lasted, statistics.quantiles(took, n=100)[98] * 1000, spent / len(took) * 1e6)


def calls(stack: Stack, count: int, first: int) -> list[tuple[bytes, dict[str, str]]]:
    """Signed webhooks of `count` different calls."""
    made = []
    for number in range(first, first + count):
        params = {
            "CallSid": f"CA{number:032x}", "From": f"+1201555{number % 10_000:04}", "To": "+12025550199",
            "CallStatus": "ringing",
        }  # fmt: skip
        signature = RequestValidator(TOKEN).compute_signature(stack.env["PUBLIC_URL"] + PATH, params)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        made.append((urlencode(params).encode(), headers))
    return made


def main() -> None:
    with Stack() as stack, bare(port := free_port()) as bare_pid:
        ours, limit = [], []
        for number in range(ROUNDS):
            sent = calls(stack, 10_000, 1 + number * 10_000)
            limit.append(load(port, bare_pid, sent))
            ours.append(load(stack.port + 1, stack.pids("front")[0], sent))
    for name, rounds in (("a bare application", limit), ("a call answered", ours)):
        rate, slow, cpu = (
            statistics.median(getattr(r, part) for r in rounds) for part in ("rate", "slow_ms", "cpu_us")
        )
        print(f"{name:20} {rate:6.0f}/s, slowest of a hundred {slow:6.1f} ms, {cpu:6.0f} µs of processor each")
    ratio = statistics.median(o.cpu_us / b.cpu_us for o, b in zip(ours, limit, strict=True))
    print(f"ratio of processor time {ratio:.1f}, of rate {_ratio_of_rates(ours, limit):.2f}")


def _ratio_of_rates(ours: list[Load], limit: list[Load]) -> float:
    return statistics.median(o.rate / b.rate for o, b in zip(ours, limit, strict=True))


def _processor_time(pid: int) -> float:
    """Seconds that a process and those below it have used."""
    ticks = 0
    for one in (pid, *children_of(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        connection.request("POST", PATH, b"")
        return connection.getresponse().status == 200
    except OSError:
        return False
