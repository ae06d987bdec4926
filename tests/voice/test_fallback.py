"""The static export for the day when nothing of ours answers, and pointing the numbers at it and back."""

import io
import json
import os
import subprocess
import sys
import wave
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from voice import fallback, lines, sounds
from voice.models import Line
from voice.plan import PLAN
from voice.simulator import grammar

HERE = "https://fallback.example.net"
NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def elsewhere(settings, tmp_path):
    settings.FALLBACK_URL = HERE
    settings.VAR = tmp_path / "var"
    settings.VAR.mkdir()
    folder = {"BACKEND": "tests.voice.checked.Storage", "OPTIONS": {"location": str(tmp_path / "away")}}
    settings.STORAGES = {**settings.STORAGES, "fallback": folder}
    return tmp_path / "away"


def recording() -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(
            b"".join(int(9000 * (n % 50 - 25) / 25).to_bytes(2, "little", signed=True) for n in range(16000))
        )
    return content.getvalue()


def spoken(document) -> list[tuple[str, str]]:
    return [(verb.tag, verb.text) for verb in ElementTree.fromstring(document) if verb.text]


def test_every_line_face_and_language_is_there_and_calls_nothing_of_ours(line, elsewhere, settings):
    Line.objects.create(key="de", name="DE", number="+493055570110", languages=["de"])
    PLAN.refresh()
    assert fallback.export(NOW) > 0
    found = {str(path.relative_to(elsewhere)): path.read_text() for path in elsewhere.rglob("*.xml")}
    assert set(found) == {
        f"voice/{key}/{face}{tag}.xml"
        for key, tags in (("main", ["", ".en", ".de"]), ("de", ["", ".de"]))
        for face in ("open", "closed", "incident")
        for tag in tags
    } | {"voice/main/now.xml", "voice/de/now.xml"}
    for name, document in found.items():
        assert grammar.faults(document) == (), name
        assert spoken(document), name
        assert settings.PUBLIC_URL not in document
        assert "action=" not in document
    said = spoken(found["voice/main/closed.xml"])
    assert ("Say", "We are closed.") in said
    assert any("support@example.com" in text for _, text in said)


def test_a_line_without_words_speaks_its_languages_own(line, elsewhere):
    fallback.export(NOW)
    (words,) = [text for _, text in spoken((elsewhere / "voice/main/incident.de.xml").read_text())][:1]
    assert "Problem" in words or "Störung" in words


def test_now_follows_what_the_line_says_now(line, elsewhere):
    fallback.export(NOW)
    before = (elsewhere / "voice/main/now.xml").read_text()
    assert "Hello, this is Acme." in before
    lines.announce([line], {"en": "We know of the outage."})
    PLAN.refresh()
    assert fallback.export(datetime.now(UTC)) == 1
    assert "We know of the outage." in (elsewhere / "voice/main/now.xml").read_text()


def test_recordings_go_with_it_and_a_lost_one_is_spoken(line, elsewhere):
    digest = sounds.take(recording())
    Line.objects.update(
        incident_text={"en": "We know.", "de": "Wir wissen es."}, incident_audio={"en": digest, "de": "0" * 64}
    )
    PLAN.refresh()
    fallback.export(NOW)
    assert (elsewhere / f"voice/audio/{digest}.wav").read_bytes() == recording()
    said = spoken((elsewhere / "voice/main/incident.xml").read_text())
    assert said[0] == ("Play", f"../audio/{digest}.wav")
    assert ("Say", "Wir wissen es.") in said


def test_only_what_changed_is_written_and_what_is_lost_is_written_again(line, elsewhere):
    first = fallback.export(NOW)
    assert first > 5
    assert fallback.export(NOW) == 0
    fallback._last = ""  # another process
    assert fallback.export(NOW) == 0
    (elsewhere / "voice/main/closed.xml").unlink()
    fallback._last = ""
    assert fallback.export(NOW) == 1


def test_a_storage_that_fails_stops_nothing_and_is_tried_again(line, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError("no space")

    with monkeypatch.context() as broken:
        broken.setattr(type(storages["fallback"]), "save", full)
        assert fallback.export_quietly() == 0
    assert "could not be exported" in caplog.text
    assert fallback.export_quietly() > 5


# ── pointing the numbers ─────────────────────────────────────────────────────────────────────────────────────────────


def account_has(twilio, **more):
    ours = "https://support.example.com/voice/main"
    twilio.numbers = [
        {
            "sid": "PN" + "1" * 32,
            "phone_number": "+12025550199",
            "voice_url": f"{ours}/answer/",
            "voice_method": "POST",
            "voice_fallback_url": f"{HERE}/voice/main/now.xml",
            "voice_fallback_method": "GET",
            "status_callback": f"{ours}/status/",
            "status_callback_method": "POST",
            "voice_application_sid": None,
            "trunk_sid": None,
            **more,
        }
    ]


def changes(twilio):
    return [form for method, _, form in twilio.requests if method == "POST"]


def test_numbers_are_pointed_at_the_export_and_back_as_they_were(line, twilio, capsys):
    account_has(twilio, voice_url="https://old.example.com/voice/")
    fallback.export(NOW)
    call_command("lines", "repoint", to="fallback")
    assert "answers from" in capsys.readouterr().out
    (there,) = changes(twilio)
    assert (there["VoiceUrl"], there["VoiceMethod"]) == (f"{HERE}/voice/main/now.xml", "GET")
    account_has(twilio, voice_url=f"{HERE}/voice/main/now.xml")
    call_command("lines", "repoint", to="fallback")  # pressed twice: it still knows where home is
    call_command("lines", "repoint", to="home")
    back = changes(twilio)[-1]
    assert (back["VoiceUrl"], back["VoiceMethod"]) == ("https://old.example.com/voice/", "POST")


def test_home_without_a_memory_is_our_own_door_with_the_fallback_behind_it(line, twilio):
    account_has(twilio, voice_url="https://elsewhere.example/")
    fallback.export(NOW)
    call_command("lines", "repoint", to="home")
    (back,) = changes(twilio)
    assert back["VoiceUrl"] == "https://support.example.com/voice/main/answer/"
    assert (back["VoiceFallbackUrl"], back["VoiceFallbackMethod"]) == (f"{HERE}/voice/main/now.xml", "GET")


def test_a_number_that_the_account_has_not_is_told_and_the_others_are_pointed(line, twilio, capsys):
    fallback.export(NOW)
    with pytest.raises(CommandError, match="not pointed"):
        call_command("lines", "repoint", to="fallback")
    assert "no such number" in capsys.readouterr().out


def test_a_number_that_an_application_answers_is_told_and_left(line, twilio, capsys):
    account_has(twilio, voice_application_sid="AP" + "2" * 32)
    fallback.export(NOW)
    with pytest.raises(CommandError, match="not pointed"):
        call_command("lines", "repoint", to="fallback")
    assert "console" in capsys.readouterr().out
    assert changes(twilio) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [({}, "Say where"), ({"to": "fallback", "file": "/nowhere.json"}, "cannot be read"),
     ({"to": "fallback", "line": ["other"]}, "No such line: other")],
)  # fmt: skip
def test_what_cannot_be_done_is_told(options, words, line, twilio):
    fallback.export(NOW)
    if "file" in options:
        options = {**options, "file": Path(options["file"])}
    with pytest.raises(CommandError, match=words):
        call_command("lines", "repoint", **options)


def test_it_needs_no_database(twilio, tmp_path):
    account_has(twilio)
    numbers = tmp_path / "numbers.json"
    numbers.write_text(json.dumps([{"key": "main", "number": "+12025550199"}]))
    env = {
        **os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "BREAKWATER_VAR": str(tmp_path / "var"),
        "FALLBACK_URL": HERE, "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKENS": "t" * 32,
        "TWILIO_API_BASE": twilio.base, "PUBLIC_URL": "https://support.example.com", "SECRET_KEY": "k" * 50,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "manage.py", "lines", "repoint", "--to", "fallback", "--file", str(numbers)],
        cwd=django_settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert changes(twilio)[0]["VoiceUrl"] == f"{HERE}/voice/main/now.xml"
