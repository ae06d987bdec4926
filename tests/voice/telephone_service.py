"""A local server that stands as Twilio's API: takes calls and texts, remembers them, can fail as Twilio does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.voice.contract import Contract


class Service:
    """`requests`: (method, path, form). `answers`: statuses to give before the ordinary 201, in order; None hangs up.

    `call_status` is how it says that a call is going, `numbers` the numbers that the account has. `faults` is what the
    contract finds in requests and answers.
    """

    def __init__(self, contract: Contract | None = None):
        self.requests, self.answers, self.call_status = [], [], "in-progress"
        self.numbers, self.faults = [], []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                given = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
                self._judge(given)
                service.requests.append(("POST", self.path, {name: values[0] for name, values in given.items()}))
                status = service.answers.pop(0) if service.answers else 201
                if status is None:
                    # It has the request, and its answer never comes.
                    self.close_connection = True
                    return
                sid = f"{len(service.requests):032d}"
                if "/IncomingPhoneNumbers/" in self.path:
                    self._answer(200, {"sid": f"PN{sid}"})
                elif self.path.endswith("/Messages.json"):
                    self._answer(status, {"sid": f"SM{sid}", "status": "queued"})
                else:
                    # A change of what is there is answered with 200, what is made with 201.
                    made = self.path.endswith("/Calls.json")
                    status = 200 if status == 201 and not made else status
                    self._answer(status, {"sid": f"CA{sid}", "status": "queued"})

            def do_GET(self):
                self._judge({})
                service.requests.append(("GET", self.path, {}))
                status = service.answers.pop(0) if service.answers else 200
                if "/IncomingPhoneNumbers.json" in self.path:
                    self._answer(status, {"incoming_phone_numbers": service.numbers, "page": 0, "page_size": 50})
                else:
                    self._answer(status, {"sid": "CA" + "1" * 32, "status": service.call_status})

            def _judge(self, form):
                auth = self.headers.get("Authorization", "")
                if contract:
                    service.faults += contract.request_faults(self.command, self.path, form, auth)

            def _answer(self, status, body):
                if status >= 400:
                    body = {"code": 20000 + status, "message": "It was refused.", "status": status}
                elif contract:
                    service.faults += contract.answer_faults(self.command, self.path, status, body)
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
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
