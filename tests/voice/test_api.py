"""Lines are switched by API as on the page: for the next call, with an audit entry, by those who may."""

import json
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from tests.house import person
from tests.voice.noises import mp3, wav
from tickets.models import AuditEntry
from voice import lines, sounds
from voice.models import Announcement, Line
from voice.plan import PLAN

pytestmark = pytest.mark.django_db
SAYS = {"text": {"en": "We know that logins fail."}, "why": "outage"}


@pytest.fixture
def house(line):
    line.group = "Europe"
    line.save()
    Line.objects.create(key="us", name="US", number="+12025550198", languages=["en"], group="America")
    Line.objects.create(key="uk", name="UK", number="+12025550197", languages=["en"], group="Europe")
    PLAN.refresh()


def api(client, role):
    user, out = person(role, "Maya"), StringIO()
    call_command("api_token", "pager", "--user", user.email or user.username, stdout=out)
    headers = {"Authorization": f"Bearer {out.getvalue().strip()}"}

    def send(path="", body=None):
        if body is None:
            return client.get(f"/api/v1/lines/{path}", headers=headers)
        return client.post(f"/api/v1/lines/{path}", json.dumps(body), content_type="application/json", headers=headers)

    return send


@pytest.fixture
def manager(client, house):
    return api(client, "manager")


def faces(answer):
    return {line["key"]: line["face"] for line in answer.json()}


def test_a_group_is_switched_and_back(manager, caller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert faces(manager("announce/", {**SAYS, "groups": ["Europe"]})) == {
            "main": "incident", "uk": "incident", "us": "open"
        }  # fmt: skip
    assert "We know that logins fail." in caller().dials().heard
    assert faces(manager("clear/", {"lines": ["main"], "why": "over"}))["main"] == "open"
    assert faces(manager())["uk"] == "incident"
    said = AuditEntry.objects.filter(action="lines.announce").first()
    assert said.detail["why"] == "outage (API, pager)"


def test_sent_twice_it_is_announced_once(manager):
    for _ in range(2):
        assert manager("announce/", SAYS).status_code == 200
    assert Announcement.objects.count() == 3


def test_hours_make_it_end_by_itself(manager):
    manager("announce/", {**SAYS, "hours": 2, "lines": ["us"]})
    row = Announcement.objects.get()
    assert (row.until - row.since).total_seconds() == pytest.approx(7200, abs=5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**SAYS, "lines": ["nonsense"]}, "No such line: nonsense. There are: main, uk, us."),
        ({**SAYS, "groups": ["Asia"]}, "No such group: Asia. There are: America, Europe."),
        ({**SAYS, "text": {}}, "text"),
        ({**SAYS, "text": {"klingon!": "x"}}, "text"),
        ({"text": {"en": "x"}}, "why"),
    ],
)
def test_a_mistake_is_a_problem_and_switches_nothing(manager, body, words):
    answer = manager("announce/", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert words in answer.content.decode()
    assert not Announcement.objects.exists()


def test_an_agent_sees_lines_and_switches_none(client, house):
    agent = api(client, "agent")
    assert agent().status_code == 200
    assert agent("announce/", SAYS).status_code == 403
    assert agent("clear/", {"why": "x"}).status_code == 403


def test_a_group_is_switched_from_a_shell(house):
    call_command("lines", "announce", "--group", "Europe", "--text", "en=Hello.", stdout=StringIO())
    assert {line["key"] for line in lines.show() if line["face"] == "incident"} == {"main", "uk"}
    with pytest.raises(CommandError, match="No such group: Asia"):
        call_command("lines", "announce", "--group", "Asia", "--text", "en=Hello.")


def test_a_group_is_switched_from_the_page(client, house):
    client.force_login(person("manager", "Mona"))
    page = client.get("/lines/announce/").content.decode()
    assert "Europe: 2 lines" in page
    shown = client.post("/lines/announce/", {"groups": ["Europe"], "say_en": "Hello.", "why": "test"})
    client.post("/lines/announce/", {"token": shown.context["token"]})
    assert {line["key"] for line in lines.show() if line["face"] == "incident"} == {"main", "uk"}


# ── recordings ───────────────────────────────────────────────────────────────────────────────────────────────────────


def upload(client, manager_headers, content, name="hello.wav"):
    return client.post("/api/v1/audio/", {"file": SimpleUploadedFile(name, content)}, headers=manager_headers)


@pytest.fixture
def headers(client, house):
    user, out = person("manager", "Mona"), StringIO()
    call_command("api_token", "recorder", "--user", user.email or user.username, stdout=out)
    return {"Authorization": f"Bearer {out.getvalue().strip()}"}


def announce(client, headers, **said):
    body = json.dumps({**SAYS, **said})
    return client.post("/api/v1/lines/announce/", body, content_type="application/json", headers=headers)


def test_a_recording_is_uploaded_and_announced(client, headers, caller):
    answer = upload(client, headers, wav(loud=0.01))
    assert answer.status_code == 201
    said = answer.json()
    assert (said["kind"], said["seconds"], said["rate"], said["channels"]) == ("WAV", 2.0, 8000, 1)
    assert "very quiet" in said["advice"][0]
    assert upload(client, headers, wav(loud=0.01)).json() == said
    for _ in range(2):
        assert announce(client, headers, audio={"en": said["digest"]}).status_code == 200
    assert [row.audio for row in Announcement.objects.all()] == [{"en": said["digest"]}] * 3
    PLAN.refresh()
    assert caller().dials().heard.startswith(f"/voice/audio/{said['digest']}/")
    shown = client.get("/api/v1/lines/", headers=headers).json()
    assert [one["audio"] for one in shown] == [{"en": said["digest"]}] * 3
    assert announce(client, headers).status_code == 200  # the words alone are another announcement
    assert Announcement.objects.count() == 6


@pytest.mark.parametrize(
    ("content", "words"), [(wav(loud=0), "silent"), (b"nonsense", "neither"), (b"", "empty"), (wav()[:-900], "cut off")]
)
def test_bad_audio_is_a_problem(client, headers, content, words):
    answer = upload(client, headers, content)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ("audio", "words"),
    [({"en": "0" * 64}, "no such recording"), ({"en": "x"}, "audio"), ({"de": "real"}, "words are missing"),
     ("real", "audio")],
)  # fmt: skip
def test_a_recording_that_there_is_not_switches_nothing(client, headers, audio, words):
    digest = sounds.take(wav())
    sent = digest if audio == "real" else {tag: digest if value == "real" else value for tag, value in audio.items()}
    answer = announce(client, headers, audio=sent)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Announcement.objects.exists()


def test_an_agent_uploads_nothing(client, house):
    user, out = person("agent", "Ann"), StringIO()
    call_command("api_token", "agent", "--user", user.email or user.username, stdout=out)
    assert upload(client, {"Authorization": f"Bearer {out.getvalue().strip()}"}, wav()).status_code == 403
    assert upload(client, {}, wav()).status_code == 401


def test_a_recording_is_announced_from_a_shell(house, tmp_path):
    (tmp_path / "en.mp3").write_bytes(mp3())
    given = [f"en={tmp_path / 'en.mp3'}"]
    call_command("lines", "announce", "--line", "us", "--text", "en=Hello.", audio=given, stdout=StringIO())
    assert sounds.read(Announcement.objects.get().audio["en"]) == mp3()


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        ("en", "LANGUAGE=FILE"),
        ("de={file}", "what .* says"),
        ("en={file}.not", "No such file"),
        ("en={silent}", "silent"),
    ],
)
def test_a_mistake_in_the_shell_switches_nothing(house, tmp_path, audio, words):
    (tmp_path / "a.wav").write_bytes(wav())
    (tmp_path / "b.wav").write_bytes(wav(loud=0))
    given = [audio.format(file=tmp_path / "a.wav", silent=tmp_path / "b.wav")]
    with pytest.raises(CommandError, match=words):
        call_command("lines", "announce", "--text", "en=Hello.", audio=given)
    assert not Announcement.objects.exists()
