"""How a call is shown: sounds that can be played here, requests in words."""

import pytest

from voice.simulator.documents import Heard
from voice.simulator.record import LONGEST_BODY, heard, shortened, shown
from voice.simulator.webhooks import Exchange

HERE = "https://support.example.com"
DIGEST = "a" * 64


@pytest.fixture(autouse=True)
def public(settings):
    settings.PUBLIC_URL = HERE


@pytest.mark.parametrize(
    ("kind", "text", "sound"),
    [
        ("play", f"{HERE}/voice/audio/{DIGEST}/", f"/voice/audio/{DIGEST}/"),
        ("play", f"https://static.example.net/voice/audio/{DIGEST}.wav", f"/voice/audio/{DIGEST}/"),
        ("play", f"file:///voice/audio/{DIGEST}.mp3", f"/voice/audio/{DIGEST}/"),
        ("play", "https://elsewhere.example.net/a.mp3", ""),
        ("say", f"/voice/audio/{DIGEST}/", ""),
    ],
)
def test_a_recording_of_ours_can_be_played_wherever_it_was_named(kind, text, sound):
    assert heard(Heard(kind, text))["sound"] == sound


@pytest.mark.parametrize(
    ("url", "status", "where", "signed"),
    [
        (f"{HERE}/voice/main/answer/", 200, "/voice/main/answer/", "accepted"),
        (f"{HERE}/voice/main/answer/", 403, "/voice/main/answer/", "refused"),
        (f"{HERE}/voice/main/answer/", 0, "/voice/main/answer/", ""),
        ("file:///voice/main/now.xml", 200, "fallback storage: voice/main/now.xml", ""),
        ("https://static.example.net/x.xml", 200, "https://static.example.net/x.xml", ""),
    ],
)
def test_where_a_request_went_and_whether_its_signature_was_taken(url, status, where, signed):
    found = shown(Exchange("POST", url, {"CallStatus": "ringing"}, status))
    assert (found["where"], found["signed"]) == (where, signed)


@pytest.mark.parametrize(
    ("told", "step"),
    [
        ({"CallStatus": "ringing"}, "CallStatus ringing"),
        ({"CallStatus": "in-progress", "Digits": "1"}, "Digits 1"),
        ({"CallStatus": "in-progress", "Digits": ""}, "Digits none"),
        ({"DialCallStatus": "busy"}, "DialCallStatus busy"),
        ({"ErrorCode": "11200", "Digits": "1"}, "ErrorCode 11200"),
    ],
)
def test_what_matters_most_of_a_request_is_named(told, step):
    assert shown(Exchange("POST", HERE, told, 200))["step"] == step


def test_a_document_is_indented_and_what_is_none_is_as_it_is():
    assert "\n  <Say>Hi</Say>\n" in shown(Exchange("POST", HERE, {}, body="<Response><Say>Hi</Say></Response>"))["body"]
    assert shown(Exchange("POST", HERE, {}, body="no <xml"))["body"] == "no <xml"


def test_a_long_answer_is_kept_in_part():
    assert len(shortened(Exchange("POST", HERE, {}, body="x" * 99_999))["body"]) == LONGEST_BODY
