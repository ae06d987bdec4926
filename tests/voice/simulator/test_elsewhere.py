"""The fallback is asked where it is read, and read from its storage where that does not answer from here."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from voice.simulator.elsewhere import fallback_of, stored, with_fallback
from voice.simulator.webhooks import NoConnection

HERE = "https://static.example.net"


@pytest.fixture
def kept():
    storages["fallback"].save("voice/main/now.xml", ContentFile(b"<Response><Say>Gr\xc3\xbcezi.</Say></Response>"))


def ask(url, answer):
    def transport(method, url, params, headers):
        if isinstance(answer, Exception):
            raise answer
        return answer

    return with_fallback(transport)("GET", url, {}, {})


def test_an_address_that_answers_is_what_counts(kept, settings):
    settings.FALLBACK_URL = HERE
    assert ask(f"{fallback_of('main')}?ErrorCode=11200", (404, "", "")) == (404, "", "")


def test_one_that_cannot_be_reached_is_read_from_its_storage(kept, settings):
    settings.FALLBACK_URL = HERE
    status, kind, text = ask(f"{fallback_of('main')}?ErrorCode=11200", NoConnection("no"))
    assert (status, kind) == (200, "text/xml")
    assert "Grüezi." in text


def test_without_an_address_the_storage_is_read(kept):
    assert fallback_of("main") == "file:///voice/main/now.xml"
    assert "Grüezi." in ask(f"{fallback_of('main')}?ErrorCode=11200", NoConnection("not asked"))[2]


@pytest.mark.parametrize("name", ["voice/nobody/now.xml", "../../etc/passwd", ""])
def test_what_the_storage_has_not_is_not_there(kept, name):
    with pytest.raises(NoConnection):
        stored(name)


def test_other_addresses_go_their_way(kept):
    assert ask("https://support.example.com/voice/main/answer/", (200, "text/xml", "x")) == (200, "text/xml", "x")
