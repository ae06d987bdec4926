"""A local server that stands as Twilio's API: takes calls and texts, remembers them, can fail as Twilio does."""

import json
import re
import threading
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.voice.contract import Contract

LISTS = {
    "Calls.json": "calls",
    "Recordings.json": "recordings",
    "Messages.json": "messages",
    "Media.json": "media_list",
}


# Addresses of files, which the API's description leaves out.
FILE = re.compile(r"/(Recordings/RE\w+\.(?:mp3|wav)|Media/ME\w+)$")
PARTS = {
    "VoiceUrl": "voice_url", "VoiceMethod": "voice_method", "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method", "StatusCallback": "status_callback", "SmsUrl": "sms_url",
}  # fmt: skip


def call(sid, at, **values):
    """A call as Twilio lists it, inbound and over unless `values` say otherwise."""
    said = format_datetime(at)
    return {
        "sid": sid, "from": "+12015550123", "to": "+12025550199", "status": "completed", "direction": "inbound",
        "start_time": said, "end_time": said, "date_created": said, **values,
    }  # fmt: skip


def recording(sid, call_sid, at, **values):
    return {
        "sid": sid, "call_sid": call_sid, "date_created": format_datetime(at), "duration": "12",
        "media_url": "https://api.twilio.com/recordings/1", **values,
    }  # fmt: skip


def message(sid, at, **values):
    said = format_datetime(at)
    return {
        "sid": sid, "from": "+12015550123", "to": "+12025550199", "direction": "inbound", "body": "Hello",
        "num_media": "0", "date_created": said, "date_sent": said, "status": "received", **values,
    }  # fmt: skip


class Service:
    """`requests`: (method, path, form). `answers`: statuses to give before the ordinary 201, in order; None hangs up.

    `call_status` is how it says that a call is going, `numbers` the numbers that the account has. `faults` is what the
    contract finds in requests and answers. `calls`, `recordings`, `messages` and `media` are what it has to list, by
    the names of its API; `call` makes one. `files`: path → (type, bytes) of what it has to fetch.
    """

    def __init__(self, contract: Contract | None = None):
        self.requests, self.answers, self.call_status = [], [], "in-progress"
        self.numbers, self.faults = [], []
        self.account = {"sid": "AC" + "0" * 32, "status": "active", "type": "Full"}
        self.profiles, self.countries = [{"sid": "BU" + "1" * 32}], []
        self.files = {}
        self.lists = {"calls": [], "recordings": [], "messages": [], "media_list": []}
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
                    changed = service.requests[-1][2]
                    for number in service.numbers if status == 201 else []:
                        if number["sid"] in self.path:
                            number |= {PARTS[name]: value for name, value in changed.items() if name in PARTS}
                    self._answer(200 if status == 201 else status, {"sid": f"PN{sid}"})
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
                if FILE.search(self.path):
                    self._file(status)
                elif self.path.startswith("/v1/CustomerProfiles"):
                    self._page(status, "results", service.profiles)
                elif self.path.startswith("/v1/DialingPermissions/Countries"):
                    self._page(status, "content", service.countries)
                elif urlsplit(self.path).path.rpartition("/")[0].endswith("/Accounts"):
                    self._answer(status, service.account)
                elif "/IncomingPhoneNumbers.json" in self.path:
                    self._answer(status, {"incoming_phone_numbers": service.numbers, "page": 0, "page_size": 50})
                elif kind := LISTS.get(urlsplit(self.path).path.rpartition("/")[2]):
                    self._answer(status, {kind: self._listed(kind), "page": 0, "page_size": 1000})
                else:
                    sid = urlsplit(self.path).path.rpartition("/")[2].removesuffix(".json")
                    known = next((one for one in service.lists["calls"] if one["sid"] == sid), None)
                    self._answer(status, known or {"sid": "CA" + "1" * 32, "status": service.call_status})

            def _file(self, status):
                """What is no part of the API's description: a recording or a picture itself."""
                kind, content = service.files.get(self.path, ("text/plain", b""))
                self.send_response(status if content or status >= 400 else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _listed(self, kind):
                """As Twilio: what was asked for by number or parent; times it reads as days, and so do we."""
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                same = {"To": "to", "From": "from", "ParentCallSid": "parent_call_sid"}
                wanted = {same[name]: value for name, value in asked.items() if name in same}
                return [one for one in service.lists[kind] if wanted.items() <= one.items()]

            def _page(self, status, key, rows):
                """A page of Twilio's newer APIs, which its file of the older one says nothing about."""
                meta = {"key": key, "page": 0, "page_size": 50, "url": self.path, "first_page_url": self.path}
                self._answer(status, {key: rows, "meta": meta | {"next_page_url": None, "previous_page_url": None}})

            def _judge(self, form):
                auth = self.headers.get("Authorization", "")
                if contract and not self.path.startswith("/v1/") and not FILE.search(self.path):
                    service.faults += contract.request_faults(self.command, self.path, form, auth)

            def _answer(self, status, body):
                if status >= 400:
                    body = {"code": 20000 + status, "message": "It was refused.", "status": status}
                elif contract and not self.path.startswith("/v1/"):
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
