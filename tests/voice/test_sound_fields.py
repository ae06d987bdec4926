"""A recording for an announcement: heard before it is published, kept over mistakes, played to callers."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.house import person
from tests.voice.noises import mp3, wav
from tickets import blobs
from voice import sounds
from voice.models import Announcement
from voice.plan import PLAN
from voice.sound_fields import token_of

pytestmark = pytest.mark.django_db
WORDS = "We know that logins fail."


@pytest.fixture(autouse=True)
def maya(client):
    manager = person("manager", "Maya Okafor")
    client.force_login(manager)
    return manager


def file(content, name="take 1.mp3"):
    return SimpleUploadedFile(name, content)


def send(client, line, **more):
    asked = {"lines": [line.pk], "say_en": WORDS, "say_de": "", "hours": "", "why": "Outage", **more}
    return client.post("/lines/announce/", asked)


def page(answer):
    return unescape(answer.content.decode())


def hidden(answer):
    """The hidden fields of a page, as "Change something" sends them."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)" form="change">', page(answer)))


def kept(answer):
    return re.search(r'name="sound_en_kept" value="([^"]+)"', page(answer))[1]


def announce(client, answer):
    return client.post("/lines/announce/", {"token": re.search(r'name="token" value="([^"]+)"', page(answer))[1]})


@pytest.mark.parametrize("content", [wav(), mp3()])
def test_a_recording_is_heard_first_and_then_by_callers(client, line, caller, content):
    answer = send(client, line, sound_en=file(content))
    (source,) = set(re.findall(r'<audio [^>]*src="([^"]+)"', page(answer)))
    assert client.get(source).content == content
    assert not Announcement.objects.exists()
    announce(client, answer)
    made = Announcement.objects.get()
    assert (made.text, sounds.read(made.audio["en"])) == ({"en": WORDS}, content)
    PLAN.refresh()
    call = caller().dials()
    assert call.document.find(".//Play").text == source
    assert WORDS not in call.heard


def test_each_language_has_a_recording_of_its_own(client, line, caller):
    answer = send(client, line, say_de="Wir wissen es.", sound_en=file(wav()), sound_de=file(mp3()))
    announce(client, answer)
    made = Announcement.objects.get().audio
    assert {language: sounds.about(digest).kind for language, digest in made.items()} == {"en": "WAV", "de": "MP3"}
    PLAN.refresh()
    call = caller().dials()
    assert made["en"] in call.heard
    assert made["de"] in call.presses("9").heard


def test_it_wins_over_the_lines_own_recording_of_the_same_words(client, line):
    line.incident_text, line.incident_audio = {"en": WORDS}, {"en": sounds.take(wav())}
    line.save()
    announce(client, send(client, line, sound_en=file(mp3())))
    assert sounds.read(Announcement.objects.get().audio["en"]) == mp3()


@pytest.mark.parametrize(
    ("content", "words"),
    [(wav(loud=0), "This recording is silent"), (b"<html>", "neither a WAV nor an MP3"), (wav()[:-900], "cut off"),
     (b"\0" * 10_000_001, "10 MB are the most")],
)  # fmt: skip
def test_bad_audio_is_named_at_its_field_and_all_else_is_kept(client, line, content, words):
    answer = send(client, line, sound_en=file(content), say_de="Behalten.", sound_de=file(wav()))
    assert answer.status_code == 422
    field = re.search(r'id="id_sound_en_error">(.*?)</div>', page(answer), re.S)[1]
    assert words in field
    assert all(said in page(answer) for said in (WORDS, "Behalten.", "Outage"))
    assert 'name="sound_de_kept"' in page(answer)
    assert 'name="sound_en_kept"' not in page(answer)


def test_a_recording_is_kept_over_a_mistake_elsewhere(client, line):
    answer = send(client, line, why="", sound_en=file(mp3()))
    assert answer.status_code == 422
    assert "2.1 seconds" in page(answer) or "2.2 seconds" in page(answer)
    announce(client, send(client, line, sound_en_kept=kept(answer)))
    assert sounds.read(Announcement.objects.get().audio["en"]) == mp3()


def test_a_second_file_that_is_bad_leaves_the_first(client, line):
    first = kept(send(client, line, why="", sound_en=file(mp3())))
    answer = send(client, line, sound_en=file(wav(loud=0)), sound_en_kept=first)
    assert "silent" in page(answer)
    announce(client, send(client, line, sound_en_kept=kept(answer)))
    assert sounds.read(Announcement.objects.get().audio["en"]) == mp3()


def test_change_something_brings_the_recording_back_and_it_can_be_taken_away(client, line):
    again = hidden(send(client, line, sound_en=file(mp3())))
    assert again["say_en"] == WORDS
    answer = client.post("/lines/announce/", {**again, "change": "1"})
    assert "Show what callers will hear" in page(answer)
    token = kept(answer)
    announce(client, send(client, line, sound_en_kept=token, sound_en_away="on"))
    assert Announcement.objects.get().audio == {}


def test_what_is_recorded_is_written_down_too(client, line):
    answer = send(client, line, say_en="", say_de="Nur Deutsch.", sound_en=file(wav()))
    assert answer.status_code == 422
    assert "Write down what it says" in page(answer)


def test_advice_is_shown_before_callers_hear_it(client, line):
    assert "very quiet" in page(send(client, line, why="", sound_en=file(wav(loud=0.01))))
    answer = send(client, line, sound_en=file(wav(loud=0.01)))
    assert "The recording in English: It is very quiet" in page(answer)
    again = hidden(answer)
    assert "very quiet" in page(client.post("/lines/announce/", {**again, "change": "1"}))


def test_a_browser_cannot_name_a_recording_that_it_did_not_send(client, line):
    digest = sounds.take(wav())
    for token in (digest, token_of(digest) + "x", "x"):
        answer = send(client, line, sound_en_kept=token)
        assert answer.status_code == 422
        assert "Upload it again" in page(answer)


def test_an_upload_of_the_day_before_yesterday_is_asked_for_again(client, line):
    token = kept(send(client, line, why="", sound_en=file(wav())))
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        client.force_login(person("manager", "Mona"))
        assert "more than a day ago" in page(send(client, line, sound_en_kept=token))


def test_an_upload_that_was_swept_is_asked_for_again(client, line):
    token = kept(send(client, line, why="", sound_en=file(wav())))
    for path in blobs.all_on(sounds.SHELF):
        path.unlink()
    assert "Upload it again" in page(send(client, line, sound_en_kept=token))
