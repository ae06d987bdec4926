"""What the telephone asks of Twilio, and what each failure means. Requests are held against its OpenAPI file."""

import socket

import pytest

from tickets.work import TransportError
from voice import twilio_client
from voice.twilio_client import NoTelephone, RebasedHttpClient, Telephone, telephone

HERE = "https://support.example.com"
CALL = {
    "to": "+12015550123", "from_": "+12025550199", "url": f"{HERE}/voice/callback/1/agent/",
    "status_callback": f"{HERE}/voice/callback/1/status/",
}  # fmt: skip
TEXT = {"to": "+12015550123", "from_": "+12025550199", "body": "Ünï", "status_callback": f"{HERE}/voice/text/status/"}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(twilio_client, "PAUSES", (0.0, 0.0))


def test_a_call_is_started_with_what_twilio_needs(twilio):
    assert telephone().start_call(**CALL).startswith("CA")
    method, path, form = twilio.requests[0]
    assert (method, path.rpartition("/")[2]) == ("POST", "Calls.json")
    assert (form["To"], form["Url"], form["Method"], form["Timeout"]) == (CALL["to"], CALL["url"], "POST", "25")


def test_a_call_is_ended_and_asked_after(twilio):
    phone = telephone()
    phone.end_call("CA" + "1" * 32)
    assert twilio.requests[-1][2] == {"Status": "completed"}
    twilio.call_status = "busy"
    assert phone.call_status("CA" + "1" * 32) == "busy"


def test_a_text_is_sent_whole(twilio):
    assert telephone().send_text(**TEXT).startswith("SM")
    assert twilio.requests[0][2]["Body"] == "Ünï"


def test_a_number_tells_how_it_is_set_up(twilio):
    assert telephone().number("+12025550199") is None
    twilio.numbers = [
        {
            "sid": "PN" + "2" * 32,
            "phone_number": "+12025550199",
            "voice_url": "https://old.example.com/",
            "trunk_sid": None,
        }
    ]
    found = telephone().number("+12025550199")
    assert found is not None
    assert (found["voice_url"], found["trunk_sid"]) == ("https://old.example.com/", None)
    telephone().update_number(found["sid"], voice_url=f"{HERE}/voice/main/answer/", voice_method="POST")
    assert twilio.requests[-1][2] == {"VoiceUrl": f"{HERE}/voice/main/answer/", "VoiceMethod": "POST"}


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_permanent(twilio, status):
    twilio.answers = [status]
    with pytest.raises(TransportError, match="refused") as caught:
        telephone().send_text(**TEXT)
    assert (caught.value.permanent, caught.value.uncertain) == (True, False)
    assert len(twilio.requests) == 1


@pytest.mark.parametrize("answers", [[429, 429, 429], [500], [503]])
def test_what_may_pass_is_not_permanent(twilio, answers):
    twilio.answers = list(answers)
    with pytest.raises(TransportError) as caught:
        telephone().send_text(**TEXT)
    assert not caught.value.permanent
    assert len(twilio.requests) == len(answers)


def test_one_too_many_is_sent_again(twilio):
    twilio.answers = [429, 429]
    assert telephone().send_text(**TEXT)
    assert len(twilio.requests) == 3


def test_an_answer_that_never_comes_leaves_it_uncertain(twilio):
    twilio.answers = [None]
    with pytest.raises(TransportError) as caught:
        telephone().start_call(**CALL)
    assert (caught.value.permanent, caught.value.uncertain) == (False, True)


def test_a_service_that_does_not_listen_was_not_reached():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        Telephone("AC" + "0" * 32, "token", f"http://127.0.0.1:{port}").start_call(**CALL)
    assert not caught.value.permanent


def test_a_service_that_hangs_is_given_up(twilio, monkeypatch):
    monkeypatch.setattr(twilio_client, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        phone = Telephone("AC" + "0" * 32, "token", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(TransportError) as caught:
            phone.start_call(**CALL)
    assert (caught.value.permanent, caught.value.uncertain) == (False, True)


def test_only_the_host_changes_with_the_base():
    assert RebasedHttpClient("")._base is None


def test_without_an_account_there_is_no_telephone(settings):
    settings.TWILIO_ACCOUNT_SID = ""
    with pytest.raises(NoTelephone, match="TWILIO_ACCOUNT_SID"):
        telephone()
