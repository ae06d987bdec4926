"""We knock at our own doors through the public address: only our own answer is a sign of life."""

import http.server
import threading
from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from tickets.channels import front_door
from tickets.channels.front_door import Unanswered
from tickets.models import Heartbeat, Pulse
from triage.knocking import KNOCKS, Knocker
from voice import heartbeat


@pytest.fixture
def own_door(live_server, settings):
    settings.PUBLIC_URL = live_server.url
    settings.TWILIO_AUTH_TOKENS = ["token"]


@pytest.fixture
def strange_door(settings):
    """Something else answers at our address, and says yes to everything."""

    class Yes(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        do_POST = do_GET

        def log_message(self, *args):
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.PUBLIC_URL = f"http://127.0.0.1:{server.server_port}"
    settings.TWILIO_AUTH_TOKENS = ["token"]
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_both_doors_answer_and_their_minutes_are_known(own_door):
    knocker = Knocker()
    assert knocker.knock() == 2
    knocker.wait()
    assert knocker.keep() == 2
    assert {pulse.source for pulse in Pulse.objects.filter(failing_since=None)} == {"front", "voice"}
    assert Heartbeat.objects.filter(minute__gte=timezone.now() - timedelta(minutes=2)).count() >= 2


@pytest.mark.parametrize("knock", KNOCKS.values())
def test_a_stranger_who_says_yes_is_no_sign_of_life(strange_door, knock):
    with pytest.raises(Unanswered):
        knock()


@pytest.mark.django_db
def test_nobody_at_home_is_noted_with_since_when_and_holds_nobody_up(settings):
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    settings.TWILIO_AUTH_TOKENS = []
    knocker = Knocker()
    for _ in range(2):
        assert knocker.knock() == 1
        knocker.wait()
    assert knocker.keep() == 1
    pulse = Pulse.objects.get()
    assert pulse.source == "front"
    assert pulse.failing_since < timezone.now()
    assert "does not answer" in pulse.error
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_a_door_that_hangs_is_not_knocked_at_again(settings):
    settings.TWILIO_AUTH_TOKENS = []
    leave = threading.Event()
    knocker = Knocker({"front": lambda: leave.wait(30) and None})
    assert [knocker.knock(), knocker.knock()] == [1, 0]
    leave.set()
    knocker.wait()
    assert knocker.knock() == 1
    knocker.wait()


def test_only_our_own_question_is_answered(client, db):
    assert client.get("/heartbeat/anything/").status_code == 404
    assert client.get(f"/heartbeat/{signing.dumps('n', salt='another')}/").status_code == 404
    answer = client.get(f"/heartbeat/{signing.dumps('n', salt=front_door.ASKED)}/")
    assert answer.status_code == 200
    assert answer.content.decode() != "n"


def test_without_a_token_the_telephone_cannot_be_knocked_at(settings):
    settings.TWILIO_AUTH_TOKENS = []
    with pytest.raises(LookupError):
        heartbeat.knock()
