"""What tests of the telephone share: lines, and calls as Twilio makes them."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.conf import settings

from tests.voice import checked, contract
from tests.voice.phone_people import make_agent
from tests.voice.telephone_service import Service
from voice import signature
from voice.models import Line
from voice.plan import PLAN
from voice.simulator.documents import words
from voice.simulator.player import Player
from voice.simulator.state import Call, Number, parameters
from voice.simulator.webhooks import NoConnection, Webhooks

TOKEN = "0123456789abcdef0123456789abcdef"
SID = "CA" + "1" * 32
NOON_IN_NEW_JERSEY = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def token(settings):
    settings.TWILIO_AUTH_TOKENS = [TOKEN]
    settings.TWILIO_ACCOUNT_SID = "AC" + "0" * 32


@pytest.fixture
def line(db) -> Line:
    made = Line.objects.create(
        key="main",
        name="Support",
        number="+12025550199",
        languages=["en", "de"],
        open_text={"en": "Hello, this is Acme.", "de": "Hallo, hier ist Acme."},
        closed_text={"en": "We are closed."},
    )
    PLAN.refresh()
    return made


@pytest.fixture
def twilio(settings):
    """Twilio's API on the loopback, which holds every request of a test against Twilio's OpenAPI file."""
    folder = os.environ.get("BREAKWATER_DATA")
    service = Service(contract.load(Path(folder)) if folder else None)
    settings.TWILIO_API_BASE = service.base
    settings.PUBLIC_URL = "https://support.example.com"
    settings.CALLS_PER_SECOND = 1000
    yield service
    service.stop()
    assert service.faults == []


@pytest.fixture
def agent(db):
    return make_agent("ada")


@pytest.fixture
def nights(settings):
    """People are called in the daytime only, as in a real installation."""
    settings.CALL_HOURS = (8, 20)


@pytest.fixture
def noon():
    """A time of day at which people in New Jersey may be called."""
    with time_machine.travel(NOON_IN_NEW_JERSEY, tick=True):
        yield


class Caller(Player):
    """Somebody on the phone of a test: every webhook is answered, every document is one that Twilio takes.

    The call's own statuses are not told: who wants them tells them.
    """

    def __init__(self, client, number="+12015550123", sid=SID, line="main", twice=False, statuses="lost", **extra):
        self.client = client
        self.at = f"{settings.PUBLIC_URL}/voice/{line}"
        said = {**parameters(caller=number, number="+12025550199", sid=sid), **extra}
        call = Call(Number(f"{self.at}/answer/", f"{self.at}/status/"), said, statuses)
        super().__init__(call, Webhooks(through(client), signature.sign_url, twice=twice), inspect=checked.check)

    def post(self, path, **params):
        """One webhook, out of its turn."""
        self.deliver("POST", settings.PUBLIC_URL + path, {"CallStatus": "in-progress", **params})
        return self._all_is_well()

    def dials(self, line="main"):
        self.deliver("POST", f"{settings.PUBLIC_URL}/voice/{line}/answer/", {"CallStatus": "ringing"})
        return self._all_is_well()

    def presses(self, keys):
        assert self.call.wait.what == "keys", self.call.document
        self.press(keys)
        return self._all_is_well()

    def _all_is_well(self):
        assert [one.why for one in self.call.log if one.error] == []
        return self

    @property
    def document(self):
        """The last document."""
        return self.played()

    @property
    def heard(self):
        """All that the last document says and plays."""
        return words(self.document)


def through(client):
    """A transport: Django's test client; nothing else is reachable."""

    def send(method, url, params, headers):
        if not url.startswith(settings.PUBLIC_URL):
            raise NoConnection(f"no way to {url}")
        path = url.removeprefix(settings.PUBLIC_URL)
        ask = client.post if method == "POST" else client.get
        answer = ask(path, params, headers=headers) if params else ask(path, headers=headers)
        return answer.status_code, answer.headers.get("Content-Type", ""), answer.content.decode()

    return send


@pytest.fixture
def caller(client):
    return lambda **said: Caller(client, **said)
