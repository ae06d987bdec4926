import pytest

from tests.house import person
from tickets import intake
from tickets.models import Arrival
from voice.models import Callback
from voice.plan import PLAN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def phone(client, line, live_server, settings):
    """The simulator's page as a manager sees it, before a real server."""
    settings.PUBLIC_URL, settings.SIMULATOR_BASE = "https://support.example.com", live_server.url
    client.force_login(person("manager"))
    PLAN.refresh()

    def act(**values):
        return client.post("/simulator/act/", values, follow=True).content.decode()

    act.line = line
    return act


def test_a_call_is_heard_and_its_keys_lead_on(phone):
    page = phone(do="dial", line=phone.line.pk, caller="+1 201 555 0123")
    assert "Hello, this is Acme." in page
    page = phone(do="keys", keys="1")
    assert "will call you back" in page
    assert "The call is over." in page
    intake.understand_all()
    callback = Callback.objects.get()
    assert (callback.number, callback.simulated) == ("+12015550123", True)
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"simulated"}


def test_a_message_can_be_left(phone):
    phone(do="dial", line=phone.line.pk, caller="+12015550123")
    phone(do="keys", keys="2")
    assert "We have your message" in phone(do="speak")


def test_a_withheld_number_is_asked_for_one(phone):
    phone(do="dial", line=phone.line.pk, withheld="on")
    assert "enter the number" in phone(do="keys", keys="1")
    assert "If this is right" in phone(do="keys", keys="12015550188")


def test_hanging_up_ends_the_call(phone):
    phone(do="dial", line=phone.line.pk, caller="+12015550123")
    assert "The call is over." in phone(do="hang_up")
    assert "The call is over." in phone(do="keys", keys="1"), "nothing goes on after the end"


def test_a_wrong_number_is_named(phone):
    assert "no phone number" in phone(do="dial", line=phone.line.pk, caller="12")


def test_no_token_or_signature_is_shown(phone, settings):
    page = phone(do="dial", line=phone.line.pk, caller="+12015550123")
    assert settings.TWILIO_AUTH_TOKENS[0] not in page
    assert "Signature" not in page


def test_a_door_that_does_not_answer_is_named(phone, settings):
    settings.SIMULATOR_BASE = "http://127.0.0.1:9"
    page = phone(do="dial", line=phone.line.pk, caller="+12015550123")
    assert "Error 11205: no connection to 127.0.0.1:9" in page
    assert "an application error has occurred" in page, "there is no export either"


@pytest.mark.parametrize(("demo", "status"), [(False, 403), (True, 200)])
def test_agents_may_use_it_in_a_demo_only(client, settings, demo, status, db):
    settings.DEMO = demo
    client.force_login(person("agent"))
    assert client.get("/simulator/").status_code == status
