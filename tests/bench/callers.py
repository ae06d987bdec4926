"""Many callers at once from one thread: each connection sends its next request as soon as the last is answered.

The load shares the machine with what it measures. A thread with http.client for each connection takes as much
processor time as the answer itself, and makes threads wait for each other while the clock runs; one selector takes
a tenth of that.
"""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.servers import HOST

Request = tuple[bytes, dict[str, str]]
# Seconds after which an answer is missing.
PATIENCE = 15.0


@dataclass(slots=True)
class _Caller:
    """One connection: what it still sends, and the answer that is coming in."""

    line: socket.socket
    requests: Iterator[bytes]
    begun: float = 0.0
    heard: bytearray = field(default_factory=bytearray)


def call(port: int, path: str, requests: Sequence[Request], connections: int, seconds: float) -> list[float]:
    """Posts every request once over so many connections, for `seconds` at the most; how many seconds each took.

    AssertionError for an answer that is not 200, ConnectionError when the server hangs up, TimeoutError when an answer
    is missing.
    """
    took: list[float] = []
    lines = selectors.DefaultSelector()
    until = time.perf_counter() + seconds
    for number in range(connections):
        line = socket.create_connection((HOST, port), timeout=PATIENCE)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        caller = _Caller(line, (_wire(port, path, *one) for one in requests[number::connections]))
        lines.register(line, selectors.EVENT_READ, caller)
    open_lines = sum(_ask(lines, key.data, until) for key in list(lines.get_map().values()))
    while open_lines:
        ready = lines.select(PATIENCE)
        if not ready:
            raise TimeoutError(f"{open_lines} answers are missing")
        for key, _ in ready:
            if _hears(key.data):
                took.append(time.perf_counter() - key.data.begun)
                open_lines -= not _ask(lines, key.data, until)
    lines.close()
    return took


def _wire(port: int, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    told = {"Host": f"{HOST}:{port}", "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def _ask(lines: selectors.BaseSelector, caller: _Caller, until: float) -> bool:
    """Sends the next request; False, and the connection is closed, when there is none or time is up."""
    request = next(caller.requests, None) if time.perf_counter() < until else None
    if request is None:
        lines.unregister(caller.line)
        caller.line.close()
        return False
    caller.heard.clear()
    caller.begun = time.perf_counter()
    caller.line.sendall(request)
    return True


def _hears(caller: _Caller) -> bool:
    """Takes what has come; whether the answer is whole."""
    part = caller.line.recv(65536)
    if not part:
        raise ConnectionError("the server hung up")
    caller.heard += part
    head, found, body = caller.heard.partition(b"\r\n\r\n")
    if not found:
        return False
    assert head.startswith(b"HTTP/1.1 200"), head
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
