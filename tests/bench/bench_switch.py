"""Switching a line: from the API's answer until the next call hears it, on three front processes, announced and ended.

Each front has a folder of its own, as on a host of its own; PostgreSQL is what they share. Reports the time until the
last of them says it, beside the second that is promised.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import requests
from twilio.request_validator import RequestValidator

from tests.bench.bench_calls import PATH
from tests.servers import HOST, Postgres, Redis, free_port, wait_until
from tests.stack import TOKEN, Stack

FRONTS, SWITCHES = 3, 12
# Seconds that are promised, and between two questions to one front.
PROMISED, PAUSE = 1.0, 0.01
WORDS = "We know that logins fail."
MANAGER = """
from tests.house import person
print(person("manager", "Maya Okafor").email)
"""


@contextmanager
def front(stack: Stack) -> Iterator[int]:
    """A further front on a host of its own; yields its port."""
    pid, port = stack.pids("front")[0], free_port()
    command = [part.decode() for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    command[command.index("--port") + 1] = str(port)
    with tempfile.TemporaryDirectory(prefix="breakwater-front-") as folder:
        environment = {**stack.env, "BREAKWATER_ROLE": "front", "BREAKWATER_VAR": folder}
        server = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            wait_until(lambda: "Welcome" in heard(stack, port), "another front", 30)
            yield port
        finally:
            server.terminate()
            server.wait()


def heard(stack: Stack, port: int) -> str:
    """What a call hears on this front; empty while it does not answer."""
    params = {"From": "+12015550123", "To": "+12025550199", "CallStatus": "ringing"}
    signature = RequestValidator(TOKEN).compute_signature(stack.env["PUBLIC_URL"] + PATH, params)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        return requests.post(f"http://{HOST}:{port}{PATH}", urlencode(params), headers=headers, timeout=5).text
    except requests.RequestException:
        return ""


def switched(stack: Stack, ports: list[int], what: str, order: dict[str, object], token: str) -> list[float]:
    """Seconds from the API's answer until each front says it."""
    answer = requests.post(
        f"{stack.desk_url}/api/v1/lines/{what}/", json=order, headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    answer.raise_for_status()
    begun, took = time.perf_counter(), dict.fromkeys(ports, -1.0)
    while -1.0 in took.values():
        for port in [one for one, seconds in took.items() if seconds < 0]:
            if (WORDS in heard(stack, port)) is (what == "announce"):
                took[port] = time.perf_counter() - begun
        if time.perf_counter() - begun > 20 * PROMISED:
            raise TimeoutError(f"{what}: not on every front")
        time.sleep(PAUSE)
    return list(took.values())


def main() -> None:
    with Postgres() as postgres, Redis() as redis, ExitStack() as opened:
        stack = opened.enter_context(Stack(DATABASE_URL=postgres.create("switch"), REDIS_URL=redis.url()))
        stack.env["PYTHONPATH"] = os.getcwd()
        address = stack.python(MANAGER).strip().splitlines()[-1]
        token = stack.manage("api_token", "bench", "--user", address).strip()
        ports = [stack.port + 1, *(opened.enter_context(front(stack)) for _ in range(FRONTS - 1))]
        took: list[float] = []
        for _ in range(SWITCHES // 2):
            order: dict[str, object] = {"text": {"en": WORDS}, "why": "a benchmark"}
            took += switched(stack, ports, "announce", order, token)
            took += switched(stack, ports, "clear", {"why": "a benchmark"}, token)
    print(
        f"{len(took)} fronts switched: half after {statistics.median(took):.2f} s, the last after {max(took):.2f} s "
        f"(promised: {PROMISED:.0f} s)"
    )


if __name__ == "__main__":
    main()
