"""Incident mode does what its preview showed, once, and leaving takes back its own and nothing else."""

import threading
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.utils import timezone

from tickets import notices
from tickets.models import AuditEntry, Notice, Problem
from triage.incidents import mode
from triage.incidents.preview import says
from triage.models import Broadcast, Component, Incident, Job, Preview, Update
from triage.status import export
from voice import script
from voice.models import Announcement, Line
from voice.plan import PLAN

pytestmark = pytest.mark.django_db


def in_force(line: Line) -> Announcement | None:
    return Announcement.objects.in_force(timezone.now()).filter(line=line).first()


def entered(asked, maya, **choices) -> Incident:
    return mode.enter(mode.preview(asked(**choices), maya).token, maya)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({}, [("en", "Playbook.", "sound"), ("de", "Spielbuch.", "")]),
        ({"en": "Typed."}, [("en", "Typed.", ""), ("de", "Spielbuch.", "")]),
        ({"en": " Playbook. "}, [("en", "Playbook.", "sound"), ("de", "Spielbuch.", "")]),
        ({"fr": "Bonjour."}, [("en", "Playbook.", "sound"), ("de", "Spielbuch.", ""), ("fr", "Bonjour.", "")]),
    ],
)
def test_a_line_says_typed_words_or_its_own_and_plays_only_what_is_said(typed, expected):
    spoken = says(["en", "de", "fr"], {"en": "Playbook.", "de": "Spielbuch."}, {"en": "sound"}, typed)
    assert [(said["language"], said["text"], said["audio"]) for said in spoken] == expected


def test_a_preview_changes_nothing(asked, maya, write):
    write("ann@example.com")
    mode.preview(asked(), maya)
    counts = [model.objects.count() for model in (Problem, Incident, Announcement, Notice, Update, Job, Broadcast)]
    assert counts == [0] * 7


def test_what_was_shown_is_what_happens(asked, maya, lines, login, write):
    write("ann@example.com")
    write("ann@example.com")
    write("bob@example.com")
    write()
    shown = mode.preview(asked(announcement={"en": "Typed.", "de": ""}), maya)
    incident = mode.enter(shown.token, maya)
    effects = shown.effects
    for line in effects["lines"]:
        announcement = in_force(Line.objects.get(pk=line["id"]))
        assert announcement.text == {said["language"]: said["text"] for said in line["says"]}
        assert announcement.audio == {said["language"]: said["audio"] for said in line["says"] if said["audio"]}
    assert in_force(lines[1]).text == {"de": "Wir wissen es.", "en": "Typed."}
    for target in Notice.Target:
        notice = notices.in_force(target, "de")
        assert notice.text == effects["notice"]["de"] == "Wir wissen davon."
        assert notice.about == incident.updates.get().about
    assert incident.problem.title == effects["title"]
    assert incident.updates.get().body == effects["status"]["body"]
    assert incident.components == {str(login.pk): "major_outage"}
    assert effects["link"] == {"tickets": 4}
    assert (effects["answer"]["people"], effects["answer"]["unreachable"]) == (2, 1)
    assert Broadcast.objects.get().body == effects["answer"]["text"]
    assert "We are looking into it." in effects["answer"]["text"]
    assert AuditEntry.objects.get(action="incident.enter").detail["effects"] == effects


def heard(line: Line, language: str) -> str:
    """What the next caller of a line hears, by the plan and the script that answer calls."""
    PLAN.refresh()
    turn = script.Turn(
        line=PLAN.current()["lines"][line.key],
        language=language,
        attempt=0,
        caller="+447400123456",
        keys="",
        now=timezone.now(),
        countries=("GB",),
    )
    return str(script.answer(turn).response)


def test_the_next_caller_hears_what_was_shown(asked, maya, lines):
    Line.objects.filter(pk=lines[1].pk).update(offers_agent=True, rings=["+442079460999"])
    shown = mode.preview(asked(announcement={"en": "Typed words."}), maya)
    assert "Typed words." not in heard(lines[0], "en")
    incident = mode.enter(shown.token, maya)
    for line, effect in zip(lines, sorted(shown.effects["lines"], key=lambda one: one["id"]), strict=True):
        for said in effect["says"]:
            document = ElementTree.fromstring(heard(line, said["language"]))  # noqa: S314  our own
            spoken = " ".join(element.text for element in document.iter("Say"))
            assert f"{said['text']} {said['then']}" in " ".join(spoken.split())
    mode.leave(incident, maya, "Solved.")
    assert "Typed words." not in heard(lines[0], "en")


def test_the_promise_is_counted_from_entering(asked, maya):
    incident = entered(asked, maya, next_update_minutes=15)
    assert incident.next_update_by - incident.entered_at == timedelta(minutes=15)
    assert entered(asked, maya, next_update_minutes=0).next_update_by is None


def test_pressed_twice_it_happens_once(asked, maya, lines):
    token = mode.preview(asked(), maya).token
    assert mode.enter(token, maya) == mode.enter(token, maya)
    assert Incident.objects.count() == Update.objects.count() == 1
    assert Announcement.objects.count() == 2
    assert Job.objects.count() == 2


def test_a_second_manager_at_the_same_moment_gets_the_first_ones_incident(asked, maya):
    mine, theirs = mode.preview(asked(), maya), mode.preview(asked(title="The same"), maya)
    first = mode.enter(mine.token, maya)
    assert mode.enter(theirs.token, maya) == first
    assert Incident.objects.count() == 1


def test_an_old_preview_is_refused_with_what_to_do(asked, maya):
    shown = mode.preview(asked(), maya)
    Preview.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    with pytest.raises(mode.Refused, match="Look at the effects again"):
        mode.enter(shown.token, maya)
    assert not Incident.objects.exists()


def test_an_unknown_token_is_refused(maya):
    with pytest.raises(mode.Refused, match="not known"):
        mode.enter("nothing", maya)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Runs the acts in threads that start together; their results or exceptions."""
    start, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        start.wait()
        try:
            results[number] = act()
        except BaseException as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.django_db(transaction=True)
def test_confirmed_by_many_at_once_it_happens_once(asked, maya):
    same = mode.preview(asked(), maya).token
    other = mode.preview(asked(title="The same, by another"), maya).token
    results = at_once(*[lambda token=token: mode.enter(token, maya) for token in (same, other, same, other)])
    assert {getattr(result, "pk", result) for result in results} == {Incident.objects.get().pk}
    assert Announcement.objects.count() == 2
    assert Update.objects.count() == 1
    assert Job.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_status_page_is_current_when_entering_returns(asked, maya):
    entered(asked, maya)
    assert "We are looking into it." in (export.folder() / "index.html").read_text()


@pytest.mark.django_db(transaction=True)
def test_an_export_that_fails_does_not_fail_entering(asked, maya, settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path / "in-the-way"
    settings.EXPORT_ROOT.write_text("")
    assert entered(asked, maya).pk == Incident.objects.get().pk


def test_an_update_becomes_the_notice_with_its_own_key(asked, maya):
    incident = entered(asked, maya)
    update = mode.post_update(
        incident, "identified", "It is the database.", maya, translations={"de": "Die Datenbank."}
    )
    for target in Notice.Target:
        assert notices.in_force(target, "en").text == "It is the database."
        assert notices.in_force(target, "de").text == "Die Datenbank."
        assert notices.in_force(target, "de").about == update.about


def test_an_update_without_a_translation_leaves_no_old_words_behind(asked, maya):
    incident = entered(asked, maya)
    mode.post_update(incident, "identified", "It is the database.", maya)
    assert notices.in_force(Notice.Target.WEB_FORM, "de").text == "It is the database."


def test_an_update_posted_twice_is_one(asked, maya):
    incident = entered(asked, maya)
    first = mode.post_update(incident, "identified", "It is the database.", maya)
    assert mode.post_update(incident, "identified", "It is the database.", maya) == first
    assert incident.updates.count() == 2


def test_an_incident_that_was_left_takes_no_update(asked, maya):
    incident = entered(asked, maya)
    mode.leave(incident, maya, "Solved.")
    with pytest.raises(mode.Refused, match="was left"):
        mode.post_update(incident, "monitoring", "Hm.", maya)


def test_leaving_ends_what_was_in_force_and_says_resolved(asked, maya, lines, login):
    incident = entered(asked, maya)
    mode.leave(incident, maya, "It works again.")
    assert in_force(lines[0]) is None
    assert notices.in_force(Notice.Target.WEB_FORM, "en") is None
    assert incident.left_by == maya
    assert not Problem.objects.get().open
    assert (incident.updates.first().status, incident.updates.first().body) == ("resolved", "It works again.")
    assert {part["status"] for part in export.compose().components} == {"operational"}
    assert not incident.link_new
    assert set(AuditEntry.objects.filter(action="lines.clear").values_list("by", flat=True)) == {maya.pk}


def test_the_write_up_comes_after_leaving_once(asked, maya):
    incident = entered(asked, maya)
    with pytest.raises(mode.Refused):
        mode.write_up(incident, "A disk was full.", maya)
    mode.leave(incident, maya, "It works again.")
    posted = mode.write_up(incident, "A disk was full.", maya)
    assert mode.write_up(incident, "A disk was full.", maya) == posted
    newest = export.compose().past[0].updates.first()
    assert (newest.status, newest.body) == ("postmortem", "A disk was full.")
    assert notices.in_force(Notice.Target.WEB_FORM, "en") is None


def test_left_twice_it_is_left_once(asked, maya):
    incident = entered(asked, maya)
    mode.leave(incident, maya, "It works again.")
    mode.leave(Incident.objects.get(), maya, "Once more.")
    assert incident.updates.filter(status="resolved").count() == 1


def test_of_two_incidents_leaving_one_keeps_the_others_overlays(asked, maya, lines, login):
    old = entered(asked, maya, announcement={"en": "Old.", "de": "Alt."}, notice={"en": "Old notice."})
    new = entered(
        asked,
        maya,
        title="Payments fail",
        lines=[lines[0].pk],
        announcement={"en": "New."},
        notice={"en": "New notice."},
        components={str(login.pk): "degraded_performance"},
    )
    assert in_force(lines[0]).text == {"en": "New."}
    assert in_force(lines[1]).text == {"de": "Alt.", "en": "Old."}
    mode.leave(new, maya, "Payments work.")
    assert in_force(lines[0]).text == {"en": "Old."}
    assert notices.in_force(Notice.Target.WEB_FORM, "en").text == "Old notice."
    assert [part["status"] for part in export.compose().components] == ["major_outage"]
    mode.leave(old, maya, "Logins work.")
    assert in_force(lines[0]) is None
    assert notices.in_force(Notice.Target.WEB_FORM, "en") is None


def test_edits_made_meanwhile_survive_leaving(asked, maya, lines, login):
    incident = entered(asked, maya)
    Line.objects.filter(pk=lines[0].pk).update(open_text={"en": "A new greeting."})
    Component.objects.filter(pk=login.pk).update(status="under_maintenance")
    mode.leave(incident, maya, "Solved.")
    assert Line.objects.get(pk=lines[0].pk).open_text == {"en": "A new greeting."}
    assert [part["status"] for part in export.compose().components] == ["under_maintenance"]
