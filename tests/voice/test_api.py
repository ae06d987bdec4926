"""Lines are switched by API as on the page: for the next call, with an audit entry, by those who may."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.house import person
from tickets.models import AuditEntry
from voice import lines
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
