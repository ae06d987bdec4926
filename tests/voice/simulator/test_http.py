"""Requests over real connections: what fails is told apart as Twilio tells it apart."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from urllib3 import PoolManager, Timeout

from tests.servers import HOST, free_port
from voice.simulator import http
from voice.simulator.webhooks import NO_HOST, REFUSED, NoAnswer, NoConnection

PUBLIC = "https://support.example.com"


class Door(BaseHTTPRequestHandler):
    """Answers as the last part of the path says, and remembers what came."""

    protocol_version = "HTTP/1.1"
    got: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        type(self).got.append((self.command, self.path, body, dict(self.headers)))
        how = self.path.partition("?")[0].rpartition("/")[2]
        if how == "closes":
            self.close_connection = True
            return
        if how == "waits":
            over.wait(5)
        self.send_response({"moves": 302, "fails": 500}.get(how, 200))
        content = "<Response><Say>Grüezi.</Say></Response>".encode()
        for name, value in (("Content-Type", "text/xml"), ("Location", "/x/"), ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *args):
        return


over = threading.Event()


@pytest.fixture
def send(monkeypatch):
    monkeypatch.setattr(http, "_PATIENCE", Timeout(connect=1, read=0.5))
    Door.got.clear()
    over.clear()
    server = ThreadingHTTPServer((HOST, 0), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    pool = PoolManager()
    way = http.over_http(pool, PUBLIC, f"http://{HOST}:{server.server_port}")
    yield lambda method, path, **params: way(method, PUBLIC + path, params, {"X-Twilio-Signature": "s"})
    over.set()
    pool.clear()
    server.shutdown()
    server.server_close()


def test_what_is_addressed_to_us_arrives_at_our_door(send):
    status, kind, text = send("POST", "/voice/fine", Digits="1", From="+1 ü")
    assert (status, kind) == (200, "text/xml")
    assert "Grüezi." in text
    ((method, path, body, headers),) = Door.got
    assert (method, path, body) == ("POST", "/voice/fine", "Digits=1&From=%2B1+%C3%BC")
    assert headers["X-Twilio-Signature"] == "s"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_get_has_no_body(send):
    send("GET", "/voice/fine?ErrorCode=11200")
    assert Door.got[0][:3] == ("GET", "/voice/fine?ErrorCode=11200", "")


@pytest.mark.parametrize(("how", "status"), [("fails", 500), ("moves", 302)])
def test_an_answer_is_an_answer_whatever_it_says(send, how, status):
    assert send("POST", f"/{how}")[0] == status
    assert len(Door.got) == 1, "it is neither followed nor asked again"


@pytest.mark.parametrize("how", ["closes", "waits"])
def test_a_request_without_an_answer_was_sent_all_the_same(send, how):
    with pytest.raises(NoAnswer):
        send("POST", f"/{how}")
    assert len(Door.got) == 1


def test_where_nobody_listens_there_is_no_connection():
    pool = PoolManager()
    with pytest.raises(NoConnection, match="no connection to") as refused:
        http.over_http(pool, PUBLIC, f"http://{HOST}:{free_port()}")("POST", f"{PUBLIC}/x", {}, {})
    assert refused.value.error == REFUSED


def test_a_host_that_does_not_exist_is_told_apart():
    with pytest.raises(NoConnection, match="no such host") as missing:
        http.over_http(PoolManager(), PUBLIC, "http://nowhere.invalid")("POST", f"{PUBLIC}/x", {}, {})
    assert missing.value.error == NO_HOST
