"""The export is whole, durable, written only when something changed, and says what the database says."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection

from tickets.models import Problem
from triage.models import Component, Incident, Update
from triage.status import export, views
from triage.status.components import all_operational, worst

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 10, 46, tzinfo=UTC)


def an_incident(title: str = "Logins fail", entered: datetime = NOW, **values) -> Incident:
    problem = Problem.objects.create(title=title, opened_at=entered)
    return Incident.objects.create(
        problem=problem, started_at=entered - timedelta(hours=1), entered_at=entered, **values
    )


def say(incident: Incident, body: str, minutes: int = 0, status: str = Update.Status.IDENTIFIED) -> Update:
    return Update.objects.create(
        incident=incident, status=status, body=body, at=incident.entered_at + timedelta(minutes=minutes)
    )


@pytest.fixture(autouse=True)
def nothing_held():
    views._held.clear()


def page_text() -> str:
    return (export.folder() / "index.html").read_text()


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "operational"),
        (["operational", "under_maintenance"], "under_maintenance"),
        (["major_outage", "partial_outage"], "major_outage"),
        (["under_maintenance", "degraded_performance"], "degraded_performance"),
    ],
)
def test_the_worst_status_wins(statuses, expected):
    assert worst(statuses) == expected


def test_updates_are_shown_newest_first_with_the_promise_of_the_next():
    incident = an_incident(next_update_by=NOW + timedelta(minutes=30))
    say(incident, "We are looking into it.")
    say(incident, "It is the database host.", 20)
    export.refresh(NOW)
    text = page_text()
    assert text.index("It is the database host.") < text.index("We are looking into it.")
    assert "23 Nov 2026, 11:16 UTC" in text
    assert 'datetime="2026-11-23T10:46:00+00:00"' in text


def test_words_of_ours_are_escaped():
    say(an_incident("<script>alert(1)</script>"), "a < b <img src=x>")
    export.refresh(NOW)
    assert "<script>" not in page_text()
    assert "<img" not in page_text()


def test_nothing_is_written_when_nothing_changed():
    say(an_incident(), "We are looking into it.")
    assert export.refresh(NOW) is True
    before = (export.folder() / "index.html").stat().st_ino
    assert export.refresh(NOW + timedelta(minutes=5)) is False
    assert (export.folder() / "index.html").stat().st_ino == before


def test_the_page_finds_its_style_sheets_beside_it():
    export.refresh(NOW)
    for name in ("base.css", "public.css"):
        assert f'href="{name}"' in page_text()
        assert (export.folder() / name).exists()


def test_a_write_that_fails_leaves_the_old_page_whole(monkeypatch):
    incident = an_incident()
    say(incident, "First words.")
    export.refresh(NOW)
    say(incident, "Second words.", 5)

    def no_space(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.rename", no_space)
    with pytest.raises(OSError, match="No space"):
        export.refresh(NOW)
    monkeypatch.undo()
    assert "First words." in page_text()
    assert page_text().endswith("</html>\n")
    assert not list(export.folder().glob(".*.tmp"))


def test_a_failing_export_never_fails_the_action(settings, tmp_path, caplog):
    settings.EXPORT_ROOT = tmp_path / "file"
    (tmp_path / "file").write_text("in the way")
    export.refresh_quietly()
    assert "could not be exported" in caplog.text


def test_incidents_lay_their_status_over_the_everyday_one_and_the_worst_wins():
    login = Component.objects.create(name="Login")
    mail = Component.objects.create(name="Mail", status="degraded_performance")
    one = an_incident(components={str(login.pk): "partial_outage"})
    an_incident("Other", components={str(login.pk): "major_outage"})
    status = {part["name"]: part["status"] for part in export.compose(NOW).components}
    assert status == {"Login": "major_outage", "Mail": "degraded_performance"}
    Incident.objects.exclude(pk=one.pk).update(left_at=NOW)
    assert {part["id"]: part["status"] for part in export.compose(NOW).components}[login.pk] == "partial_outage"
    Incident.objects.update(left_at=NOW)
    left = {part["id"]: part["status"] for part in export.compose(NOW).components}
    assert left == {login.pk: "operational", mail.pk: "degraded_performance"}


def test_a_solved_incident_stays_for_two_weeks():
    say(an_incident(left_at=NOW), "Solved.", status=Update.Status.RESOLVED)
    assert [incident.problem.title for incident in export.compose(NOW + timedelta(days=13)).past] == ["Logins fail"]
    assert export.compose(NOW + timedelta(days=15)).past == []


def test_the_facts_for_programs_say_the_same():
    say(an_incident(impact="critical"), "We are looking into it.", status=Update.Status.INVESTIGATING)
    export.refresh(NOW)
    document = json.loads((export.folder() / "status.json").read_text())
    assert document["status"]["indicator"] == "critical"
    assert document["incidents"][0]["status"] == "investigating"
    assert document["incidents"][0]["incident_updates"][0]["body"] == "We are looking into it."


def test_the_queries_do_not_grow_with_incidents(django_assert_num_queries):
    say(an_incident(), "One.")
    with django_assert_num_queries(3):
        export.compose(NOW)
    for number in range(5):
        say(an_incident(f"More {number}"), "Two.")
    with django_assert_num_queries(3):
        export.compose(NOW)


def refuse(*args):
    raise DatabaseError("the page asked the database")


def test_the_page_is_served_without_the_database(client):
    say(an_incident("Logins fail"), "We are looking into it.")
    export.refresh(NOW)
    with connection.execute_wrapper(refuse):
        response = client.get("/status/")
        style = client.get("/status/public.css")
        facts = client.get("/status/status.json")
    assert response.status_code == style.status_code == facts.status_code == 200
    assert "We are looking into it." in response.content.decode()
    assert style["Content-Type"].startswith("text/css")
    assert "script-src" not in response["Content-Security-Policy"]
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_without_an_export_the_page_knows_of_no_problem(client):
    with connection.execute_wrapper(refuse):
        response = client.get("/status/")
    assert response.status_code == 200
    assert "No known problems" in response.content.decode()


def test_an_export_that_disappears_is_served_from_memory(client):
    say(an_incident(), "We are looking into it.")
    export.refresh(NOW)
    client.get("/status/")
    for file in export.folder().iterdir():
        file.unlink()
    assert "We are looking into it." in client.get("/status/").content.decode()


def test_a_current_copy_is_answered_with_304(client):
    export.refresh(NOW)
    tag = client.get("/status/")["ETag"]
    assert client.get("/status/", headers={"If-None-Match": tag}).status_code == 304
    say(an_incident(), "We are looking into it.")
    export.refresh(NOW)
    assert client.get("/status/", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("name", ["other.txt", ".hidden", "..%2f..%2fetc%2fpasswd"])
def test_only_the_export_is_served(client, name):
    export.refresh(NOW)
    assert client.get(f"/status/{name}").status_code == 404


def test_the_page_is_told_in_the_readers_language_and_the_updates_in_their_own(client):
    Component.objects.create(name="Login", status="partial_outage")
    say(an_incident(next_update_by=NOW + timedelta(minutes=30)), "We are looking into it.")
    export.refresh(NOW)
    response = client.get("/status/", headers={"Accept-Language": "de"})
    page = response.content.decode()
    assert (response["Content-Language"], '<html lang="de">' in page) == ("de", True)
    for german in (
        "Teilweise ausgefallen",
        "Ursache gefunden",
        "nächste Nachricht bis",
        "23.11.2026, 11:16 UTC",
    ):
        assert german in page
    assert 'lang="en">' in page.partition("We are looking into it.")[0].rpartition("<li")[2]
    assert 'href="index.html"' in page
    assert client.get("/status/index.html")["Content-Type"].startswith("text/html")
    assert "Partial outage" in client.get("/status/index.html").content.decode()
    assert "Partial outage" in client.get("/status/").content.decode()


def test_times_are_those_of_the_business_and_say_so(settings):
    settings.TIME_ZONE = "America/New_York"
    say(an_incident(), "We are looking into it.")
    export.refresh(NOW)
    assert "23 Nov 2026, 05:46 EST" in page_text()
    assert "Time zone: America/New_York" in page_text()


def test_all_is_operational_only_where_a_part_is_named_and_nothing_else_is_laid_over_it():
    up, down = Component(pk=1, status="operational"), Component(pk=2, status="partial_outage")
    incident = Incident(components={"1": "major_outage"})
    assert all_operational([up], [])
    assert not all_operational([up, down], [])
    assert not all_operational([up], [incident])
    assert not all_operational([up], [], {"1": "degraded_performance"})
    assert not all_operational([], [])
