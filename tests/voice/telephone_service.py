"""A local server that stands as Twilio's API: takes calls and texts, remembers them, can fail as Twilio does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class Service:
    """`requests`: (method, path, form). `answers`: statuses to give before the ordinary 201, in order."""

    def __init__(self):
        self.requests, self.answers = [], []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
                service.requests.append(("POST", self.path, form))
                status = service.answers.pop(0) if service.answers else 201
                body = {"sid": f"CA{len(service.requests):032d}", "status": "queued"}
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
