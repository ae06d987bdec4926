"""Recordings are kept as Twilio plays them, apart from customers' files, and never missed: words take their place."""

import os
import wave
from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone

from tests.voice.noises import mp3, wav
from tickets import blobs
from voice import audio, fallback, lines, sounds
from voice.models import Announcement, Line
from voice.plan import PLAN

pytestmark = pytest.mark.django_db


def age(digest, **by):
    then = (timezone.now() - timedelta(**by)).timestamp()
    os.utime(blobs.path_of(digest, sounds.SHELF), (then, then))


def lose(digest):
    blobs.path_of(digest, sounds.SHELF).unlink()


@pytest.mark.parametrize("content", [wav(), mp3()])
def test_a_recording_is_served_as_it_came_under_its_hash(client, content):
    answer = client.get(f"/voice/audio/{sounds.take(content)}/")
    assert answer.content == content
    assert answer["Content-Type"] == ("audio/wav" if content[:4] == b"RIFF" else "audio/mpeg")
    assert "immutable" in answer["Cache-Control"]


def test_what_twilio_may_not_play_is_kept_as_what_it_plays(client):
    digest = sounds.take(wav(width=3, rate=44_100))
    with wave.open(BytesIO(client.get(f"/voice/audio/{digest}/").content)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, 16_000)
    assert sounds.about(digest).sure


def test_what_cannot_be_heard_is_not_kept():
    with pytest.raises(audio.BadAudio, match="silent"):
        sounds.take(wav(loud=0))
    assert list(blobs.all_on(sounds.SHELF)) == []


def test_the_address_of_recordings_gives_out_no_customers_file(client):
    digest = blobs.put(wav())
    assert client.get(f"/voice/audio/{digest}/").status_code == 404
    assert client.get("/voice/audio/..%2F..%2Fetc/").status_code == 404


@pytest.mark.parametrize("face", ["open", "incident"])
def test_a_recording_that_is_lost_is_spoken_from_the_next_plan_on(line, caller, client, face):
    digest = sounds.take(wav())
    if face == "incident":
        lines.announce([line], {"en": "Said instead."}, {"en": digest})
    else:
        Line.objects.update(open_text={"en": "Said instead."}, open_audio={"en": digest})
    PLAN.refresh()
    assert caller().dials().heard.startswith(f"/voice/audio/{digest}/")
    lose(digest)
    PLAN.refresh()
    assert caller(sid="CA" + "2" * 32).dials().heard.startswith("Said instead.")
    sounds.take(wav())
    PLAN.refresh()
    assert caller(sid="CA" + "3" * 32).dials().heard.startswith(f"/voice/audio/{digest}/")


def test_a_lost_recording_without_words_is_our_own_sentence_and_never_silence(line, caller):
    digest = sounds.take(wav())
    lines.announce([line], {}, {"en": digest})
    lose(digest)
    PLAN.refresh()
    call = caller().dials()
    assert call.document.find(".//Play") is None
    assert "problem" in call.heard


def test_a_lost_recording_is_spoken_in_the_fallback_too(line, settings, tmp_path, monkeypatch):
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "away")}}
    settings.STORAGES = {**settings.STORAGES, "fallback": folder}
    monkeypatch.setattr(fallback, "_last", "")
    digest = sounds.take(mp3())
    lines.announce([line], {"en": "Said instead."}, {"en": digest})
    PLAN.refresh()
    fallback.export()
    now = tmp_path / "away" / "voice" / "main" / "now.xml"
    assert f"../audio/{digest}.mp3" in now.read_text()
    assert (tmp_path / "away" / "voice" / "audio" / f"{digest}.mp3").read_bytes() == mp3()
    lose(digest)
    PLAN.refresh()
    fallback.export()
    assert digest not in now.read_text()
    assert "Said instead." in now.read_text()


# ── sweeping ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_upload_that_nobody_used_is_deleted_after_a_day(line):
    young, old = sounds.take(wav()), sounds.take(mp3())
    age(young, hours=23)
    age(old, hours=25)
    assert sounds.sweep() == 1
    assert (sounds.is_there(young), sounds.is_there(old)) == (True, False)
    assert sounds.sweep() == 0


@pytest.mark.parametrize("face", ["open_audio", "closed_audio", "incident_audio"])
def test_what_a_line_plays_stays_also_while_the_line_rests(line, face):
    digest = sounds.take(wav())
    age(digest, days=400)
    Line.objects.update(active=False, **{face: {"de": digest}})
    assert sounds.sweep() == 0


def test_what_was_announced_stays_for_the_report(line):
    digest = sounds.take(wav())
    age(digest, days=400)
    lines.announce([line], {"en": "x"}, {"en": digest})
    Announcement.objects.update(ended_at=timezone.now())
    assert sounds.sweep() == 0


def test_a_customers_file_of_the_same_bytes_is_never_swept(line):
    kept = blobs.put(wav())
    age(sounds.take(wav()), days=2)
    assert sounds.sweep() == 1
    assert blobs.read(kept) == wav()


def test_what_is_claimed_or_uploaded_again_is_young(line):
    claimed, again = sounds.take(wav()), sounds.take(mp3())
    for digest in (claimed, again):
        age(digest, days=2)
    assert sounds.claim(claimed)
    assert sounds.take(mp3()) == again
    assert sounds.sweep() == 0
    assert not sounds.claim("0" * 64)
    assert not sounds.claim("../../etc/passwd")
