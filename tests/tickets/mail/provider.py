"""Mail providers' APIs, played by an HTTP server on the loopback: it keeps every request and answers as it is told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Call:
    """One request: its path, and its form or JSON."""

    path: str
    body: dict[str, Any]


class Provider:
    """What came in, and where. `answer` decides on each call; it may raise to hang up."""

    def __init__(self, answer: Callable[[Call], Answer]) -> None:
        self.calls: list[Call] = []
        self.answer = answer
        self.url = ""


@contextmanager
def provider(answer: Callable[[Call], Answer]) -> Iterator[Provider]:
    played = Provider(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            call = Call(self.path, _form_or_json(self.headers["Content-Type"], raw))
            played.calls.append(call)
            try:
                status, said = played.answer(call)
            except ConnectionError:
                self.close_connection = True
                return
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    played.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _form_or_json(content_type: str, raw: bytes) -> dict[str, Any]:
    if content_type.startswith("application/json"):
        return json.loads(raw)
    if content_type.startswith("multipart/"):
        message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
        parts = [(part.get_param("name", header="Content-Disposition"), part) for part in message.get_payload()]
        return {str(name): part.get_payload(decode=True).decode() for name, part in parts}
    return {name: values[0] if len(values) == 1 else values for name, values in parse_qs(raw.decode()).items()}
