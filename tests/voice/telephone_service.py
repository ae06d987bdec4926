"""A local server that stands as Twilio's API: takes calls and texts, remembers them, can fail as Twilio does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class Service:
    """`requests`: (method, path, form). `answers`: statuses to give before the ordinary 201, in order; None hangs up.

    `call_status` is how it says that a call is going.
    """

    def __init__(self):
        self.requests, self.answers, self.call_status = [], [], "in-progress"
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
                service.requests.append(("POST", self.path, form))
                status = service.answers.pop(0) if service.answers else 201
                if status is None:
                    # It has the request, and its answer never comes.
                    self.close_connection = True
                    return
                kind = "SM" if self.path.endswith("/Messages.json") else "CA"
                self._answer(status, {"sid": f"{kind}{len(service.requests):032d}", "status": "queued"})

            def do_GET(self):
                service.requests.append(("GET", self.path, {}))
                self._answer(200, {"sid": "CA" + "1" * 32, "status": service.call_status})

            def _answer(self, status, body):
                if status >= 400:
                    body = {"code": 20000 + status, "message": "It was refused.", "status": status}
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
