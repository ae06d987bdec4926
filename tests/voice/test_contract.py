"""The contract of Twilio's API sees what is wrong with a request: each fault is planted."""

import base64

import pytest

from tests.voice import contract

ACCOUNT = "AC" + "a1" * 16
BASE = f"/2010-04-01/Accounts/{ACCOUNT}"
AUTH = "Basic " + base64.b64encode(f"{ACCOUNT}:token".encode()).decode()
CALL = {"To": ["+12015550123"], "From": ["+12025550199"], "Url": ["https://support.example.com/voice/"]}
TEXT = {"To": ["+12015550123"], "From": ["+12025550199"], "Body": ["It works again."]}


@pytest.fixture
def judge(data_folder):
    return contract.load(data_folder)


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "/Calls.json", CALL),
        ("POST", "/Calls.json", {**CALL, "Timeout": ["25"], "StatusCallbackEvent": ["initiated", "completed"]}),
        ("POST", "/Messages.json", TEXT),
        ("POST", f"/Calls/CA{'0' * 32}.json", {"Status": ["completed"]}),
        ("GET", f"/Calls/CA{'0' * 32}.json", {}),
        ("GET", "/IncomingPhoneNumbers.json?PhoneNumber=%2B12025550199&PageSize=1", {}),
        ("POST", f"/IncomingPhoneNumbers/PN{'0' * 32}.json", {"VoiceFallbackUrl": ["https://example.com/a.xml"]}),
    ],
)
def test_what_twilio_takes_is_right(judge, method, path, form):
    assert judge.request_faults(method, BASE + path, form, AUTH) == []


@pytest.mark.parametrize(
    ("method", "path", "form", "words"),
    [
        ("POST", "/Calls.json", {**CALL, "Colour": ["red"]}, "Colour"),
        ("POST", "/Calls.json", {"To": CALL["To"], "Url": CALL["Url"]}, "From"),
        ("POST", "/Calls.json", {"To": CALL["To"], "From": CALL["From"]}, "one of"),
        ("POST", "/Calls.json", {**CALL, "To": ["020 7946 0000"]}, "020 7946 0000"),
        ("POST", "/Calls.json", {**CALL, "Url": ["/voice/answer/"]}, "/voice/answer/"),
        ("POST", "/Calls.json", {**CALL, "Method": ["PUT"]}, "PUT"),
        ("POST", "/Calls.json", {**CALL, "Timeout": ["soon"]}, "soon"),
        ("POST", "/Calls.json", {**CALL, "Record": ["perhaps"]}, "perhaps"),
        ("POST", "/Calls.json", {**CALL, "To": ["+12015550123", "+12015550124"]}, "+12015550124"),
        ("POST", "/Messages.json", {"To": TEXT["To"], "From": TEXT["From"]}, "one of"),
        ("POST", "/Calls/CA1.json", {"Status": ["completed"]}, "CA1"),
        ("POST", f"/Calls/CA{'0' * 32}.json", {"Status": ["asleep"]}, "asleep"),
        ("PUT", "/Calls.json", CALL, "not allowed"),
        ("POST", "/Phones.json", {}, "there is no"),
        ("GET", "/IncomingPhoneNumbers.json?PageSize=0", {}, "0"),
        ("GET", "/IncomingPhoneNumbers.json?Number=%2B1", {}, "Number"),
        ("GET", f"/Calls/CA{'0' * 32}.json", {"Status": ["completed"]}, "it has a form"),
    ],
)
def test_a_wrong_request_is_seen(judge, method, path, form, words):
    faults = judge.request_faults(method, BASE + path, form, AUTH)
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize("auth", ["", "Bearer x", "Basic " + base64.b64encode(b"AC2:token").decode()])
def test_a_request_of_somebody_else_is_seen(judge, auth):
    assert judge.request_faults("POST", BASE + "/Calls.json", CALL, auth)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (201, {"sid": "CA1"}, "CA1"),
        (201, {"sid": "CA" + "0" * 32, "status": "asleep"}, "asleep"),
        (201, {"colour": "red"}, "colour"),
        (204, {}, "never answered"),
    ],
)
def test_an_answer_that_twilio_never_gives_is_seen(judge, status, body, words):
    faults = judge.answer_faults("POST", BASE + "/Calls.json", status, body)
    assert any(words in fault for fault in faults), faults


def test_the_local_service_fails_a_test_that_asks_wrongly(judge, settings, twilio):
    settings.TWILIO_ACCOUNT_SID = ACCOUNT
    from voice.twilio_client import telephone

    telephone().send_text(to="0123", from_="+12025550199", body="x", status_callback="https://example.com/")
    assert any("0123" in fault for fault in twilio.faults)
    twilio.faults.clear()
