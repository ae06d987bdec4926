"""Every way on which a document comes to a test is watched: a wrong one is planted on each."""

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import HttpResponse

from tests.voice import checked
from voice import calls, signature

WRONG = '<?xml version="1.0"?><Response><Gather><Say>Press 1.</Say></Gather></Response>'


@pytest.fixture
def found():
    yield checked.FAULTS
    # They were planted.
    checked.FAULTS.clear()


@pytest.fixture
def wrong(monkeypatch):
    monkeypatch.setattr(calls, "xml", lambda response: HttpResponse(WRONG, content_type="text/xml"))


def test_an_answer_to_the_test_client_is_watched(client, line, wrong, caller, found):
    caller().dials()
    assert any("an answer to POST /voice/main/answer/: a Gather without an action" in fault for fault in found)
    assert any(fault.startswith("a call: ") for fault in found), "and so is what a call gets"


def test_an_answer_of_a_live_server_is_watched(live_server, line, wrong, found, settings):
    settings.PUBLIC_URL = "https://support.example.com"
    said = {"CallSid": "CA" + "1" * 32}
    with requests.Session() as session:
        path = "/voice/main/answer/"
        session.post(live_server.url + path, said, headers={"X-Twilio-Signature": signature.sign(path, said)})
    assert found


def test_an_exported_document_is_watched(found):
    storages["fallback"].save("voice/main/now.xml", ContentFile(WRONG.encode()))
    assert found == ["the export: a Gather without an action posts to its own address for ever"]


@pytest.mark.parametrize("document", ["", "<feed/>", "<Response><Say>Hello.</Say></Response>"])
def test_what_is_right_or_none_of_ours_is_passed(document, found):
    checked.check(document)
    assert found == []


def test_what_is_no_xml_is_a_fault(found):
    checked.check("<Response>")
    assert "no XML" in found[0]
