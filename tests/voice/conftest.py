"""What tests of the telephone share: lines, and calls as Twilio makes them."""

import os
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import time_machine

from tests.voice import contract, grammar
from tests.voice.phone_people import make_agent
from tests.voice.telephone_service import Service
from voice import signature
from voice.models import Line
from voice.plan import PLAN

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


class Caller:
    """Somebody on the phone: posts signed webhooks and checks every document that comes back."""

    def __init__(self, client, number="+12015550123", sid=SID, **extra):
        self.client, self.said = client, {"CallSid": sid, "From": number, "To": "+12025550199", **extra}
        self.document = None

    def post(self, path, **params):
        params = {**self.said, "CallStatus": "in-progress", **params}
        answer = self.client.post(path, params, headers={"X-Twilio-Signature": signature.sign(path, params)})
        assert answer.status_code == 200, answer.content
        assert grammar.faults(answer.content) == []
        self.document = ElementTree.fromstring(answer.content)
        return self

    def dials(self, line="main"):
        return self.post(f"/voice/{line}/answer/", CallStatus="ringing")

    def presses(self, keys):
        return self.post(self.document.find(".//Gather").get("action"), Digits=keys)

    @property
    def heard(self):
        return " ".join(
            " ".join(verb.text or "" for verb in self.document.iter() if verb.tag in ("Say", "Play")).split()
        )


@pytest.fixture
def caller(client):
    return lambda **said: Caller(client, **said)
