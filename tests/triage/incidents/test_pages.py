"""The pages of incident mode: thin, permitted, without script, mistakes named and words kept."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.voice.noises import mp3, wav
from tickets import changes
from triage.incidents import jobs, mode
from triage.incidents.forms import playbook
from triage.models import Broadcast, Component, Incident, Preview, Surge, SurgeTerms
from triage.surge import about
from voice import sounds
from voice.models import Announcement, Call, TextMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client, maya):
    client.force_login(maya)
    return client


@pytest.fixture
def agent(client, db):
    user = User.objects.create_user("agent")
    user.groups.add(Group.objects.get_or_create(name="agent")[0])
    client.force_login(user)
    return client


@pytest.fixture
def incident(asked, maya, write):
    write("ann@example.com")
    return mode.enter(mode.preview(asked(), maya).token, maya)


def offered(client) -> dict[str, object]:
    """The form as a manager finds it, ready to be posted."""
    form = client.get(reverse("incident_enter")).context["form"]
    values = {field.html_name: field.value() for field in form}
    values["started_at"] = form["started_at"].value().strftime("%Y-%m-%dT%H:%M")
    return {name: value for name, value in values.items() if value not in (None, False)}


def test_the_form_offers_enough_to_be_posted_as_it_is(boss, lines, login, write):
    write("ann@example.com")
    response = boss.post(reverse("incident_enter"), offered(boss))
    assert response.status_code == 302
    shown = boss.get(response.url).content.decode()
    for words in ("We know.", "Wir wissen es.", "recording", "Support UK", "one mail each", "within 30 minutes"):
        assert words in shown
    assert not Incident.objects.exists()


def test_one_button_on_the_preview_enters_and_pressed_again_leads_to_the_same(boss, lines, login):
    preview = boss.post(reverse("incident_enter"), offered(boss)).url
    first, second = boss.post(preview), boss.post(preview)
    assert first.url == second.url == reverse("incident", args=[Incident.objects.get().pk])
    assert boss.get(first.url).status_code == 200


def test_whoever_confirms_second_is_told_who_was_first_and_when(boss, asked, maya, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    theirs, mine = mode.preview(asked(), maya), mode.preview(asked(title="The same"), maya)
    first = mode.enter(theirs.token, maya)
    Incident.objects.update(entered_at=first.entered_at.replace(hour=7, minute=5))
    Preview.objects.update(used_at=first.entered_at.replace(hour=7, minute=5))
    page = boss.post(reverse("incident_preview", args=[mine.token]), follow=True).content.decode()
    assert f"{maya.get_full_name()} entered incident mode at 12:35, before you. Nothing of yours was done" in page
    assert "This is what was to happen" in boss.get(reverse("incident_preview", args=[mine.token])).content.decode()


def test_whoever_leaves_second_is_told_that_their_words_were_not_posted(boss, incident):
    address = reverse("incident_leave", args=[incident.pk])
    boss.post(address, {"body": "All is well."})
    page = boss.post(address, {"body": "It is over."}, follow=True).content.decode()
    assert "Incident mode was left already" in page
    assert "Your words were not posted" in page
    assert not incident.updates.filter(body="It is over.").exists()
    assert "Your words" not in boss.get(address, follow=True).content.decode()


def test_a_recording_given_with_the_form_is_played_in_the_preview_and_to_callers(boss, lines, login):
    sent = offered(boss) | {"say_en": "New words.", "sound_en": SimpleUploadedFile("en.mp3", mp3(before=3))}
    preview = boss.post(reverse("incident_enter"), sent).url
    page = boss.get(preview).content.decode()
    digests = set(re.findall(r'<audio [^>]*src="/voice/audio/(\w+)/"', page))
    assert [sounds.read(digest) for digest in digests] == [mp3(before=3)]
    assert "3 seconds of silence" in page
    boss.post(preview)
    assert [row.audio["en"] for row in Announcement.objects.all()] == [*digests] * 2
    assert {row.text["en"] for row in Announcement.objects.all()} == {"New words."}


def test_changing_something_brings_the_recording_back(boss, lines, login):
    sent = offered(boss) | {"sound_en": SimpleUploadedFile("en.mp3", mp3())}
    preview = boss.post(reverse("incident_enter"), sent).url
    token = preview.rstrip("/").rpartition("/")[2]
    page = boss.get(f"{reverse('incident_enter')}?again={token}").content.decode()
    kept = re.search(r'name="sound_en_kept" value="([^"]+)"', page)[1]
    again = boss.post(reverse("incident_enter"), offered(boss) | {"title": "", "sound_en_kept": kept})
    assert again.status_code == 400
    assert 'name="sound_en_kept"' in again.content.decode()
    preview = boss.post(reverse("incident_enter"), offered(boss) | {"sound_en_kept": kept}).url
    boss.post(preview)
    assert [sounds.read(row.audio["en"]) for row in Announcement.objects.all()] == [mp3()] * 2


def test_bad_audio_is_named_and_the_form_kept(boss, lines, login):
    sent = offered(boss) | {"update": "Kept words.", "sound_de": SimpleUploadedFile("de.wav", wav(loud=0))}
    response = boss.post(reverse("incident_enter"), sent)
    page = response.content.decode()
    assert response.status_code == 400
    assert "This recording is silent" in page
    assert "Kept words." in page
    assert not Preview.objects.exists()


def test_mistakes_are_named_and_what_was_written_is_kept(boss, lines, login):
    lines[0].incident_text = {}
    lines[0].save()
    wrong = offered(boss) | {"title": "", "update": "Kept words.", "say_en": "", "say_de": "Behalten."}
    response = boss.post(reverse("incident_enter"), wrong)
    page = response.content.decode()
    assert response.status_code == 400
    assert "Say in a few words what is wrong." in page
    assert "Support UK +442079460800 would say nothing" in page or "Support UK would say nothing" in page
    assert "Kept words." in page
    assert "Behalten." in page
    assert not Preview.objects.exists()


def test_a_stale_preview_leads_back_to_the_form_as_it_was(boss, asked, maya):
    shown = mode.preview(asked(title="Very special"), maya)
    Preview.objects.update(created_at="2020-01-01T00:00Z")
    response = boss.post(reverse("incident_preview", args=[shown.token]), follow=True)
    page = response.content.decode()
    assert "Look at the effects again" in page
    assert "Very special" in page
    assert not Incident.objects.exists()


def test_lines_with_different_words_are_left_their_own(lines):
    assert playbook(lines, "en") == "We know."
    lines[0].incident_text = {"en": "Something else."}
    assert playbook(lines, "en") == ""


def test_an_update_is_posted_and_its_reply_offered(boss, incident):
    address = reverse("incident_update", args=[incident.pk])
    values = {"status": "identified", "body": "Found it.", "next_update_minutes": "30", "reply": "on"}
    response = boss.post(address, values)
    newest = incident.updates.first()
    assert response.url == reverse("incident_reply", args=[incident.pk, newest.pk])
    page = boss.get(response.url).content.decode()
    assert "Found it." in page
    assert "Nobody is left to write to" in page


def test_an_update_without_words_keeps_the_page(boss, incident):
    response = boss.post(reverse("incident_update", args=[incident.pk]), {"status": "identified"})
    assert response.status_code == 400
    assert incident.updates.count() == 1


def test_leaving_shows_what_ends_and_then_offers_the_closing_reply(boss, incident):
    address = reverse("incident_leave", args=[incident.pk])
    page = boss.get(address).content.decode()
    assert "Support UK" in page
    assert "acknowledgement" in page
    assert boss.post(address, {"body": ""}).status_code == 400
    response = boss.post(address, {"body": "All is well."})
    assert "Send and solve" in boss.get(response.url).content.decode()
    assert boss.get(address).url == reverse("incident", args=[incident.pk])


def test_a_closing_reply_is_confirmed_once(boss, incident, maya):
    jobs.expand(incident.jobs.get(kind="link").pk)
    mode.leave(incident, maya, "All is well.")
    address = reverse("incident_reply", args=[incident.pk, incident.updates.first().pk])
    form = boss.get(address).context["form"]
    values = {name: form[name].value() for name in ("subject", "text", "key")}
    assert boss.post(address, values).url == boss.post(address, values).url
    assert Broadcast.objects.filter(solves=True).count() == 1


def test_the_progress_page_moves_by_itself_and_has_brakes(boss, incident):
    made = Broadcast.objects.get()
    address = reverse("broadcast", args=[made.pk])
    whole = boss.get(address).content.decode()
    part = boss.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    assert 'hx-trigger="every 2s"' in part
    boss.post(reverse("broadcast_act", args=[made.pk, "pause"]))
    paused = boss.get(address).content.decode()
    assert "Resume" in paused
    assert 'id="broadcast" hx-get' not in paused
    boss.post(reverse("broadcast_act", args=[made.pk, "stop"]))
    assert "Resume" not in boss.get(address).content.decode()
    assert boss.post(reverse("broadcast_act", args=[made.pk, "explode"])).status_code == 404


def test_the_write_up_is_posted_on_the_page_of_an_incident_that_was_left(boss, incident, maya):
    address = reverse("incident_write_up", args=[incident.pk])
    page = reverse("incident", args=[incident.pk])
    assert "Incident mode is still on" in boss.post(address, {"body": "A disk."}, follow=True).content.decode()
    assert address not in boss.get(page).content.decode()
    mode.leave(incident, maya, "It works again.")
    assert address in boss.get(page).content.decode()
    empty = boss.post(address, {"body": ""})
    assert empty.status_code == 400
    assert "Write what happened" in empty.content.decode()
    assert "A disk was full." in boss.post(address, {"body": "A disk was full."}, follow=True).content.decode()


WORKS = "still say that everything works"


def test_the_preview_warns_that_the_status_page_will_say_that_everything_works(boss, lines, login):
    asked = offered(boss)
    plain = boss.post(reverse("incident_enter"), asked)
    said = boss.post(reverse("incident_enter"), asked | {f"part_{login.pk}": "partial_outage"})
    assert WORKS in boss.get(plain.url).content.decode()
    assert WORKS not in boss.get(said.url).content.decode()
    Component.objects.create(name="Mail", status="degraded_performance")
    assert WORKS not in boss.get(plain.url).content.decode()


def test_the_components_warn_while_an_incident_is_on_and_all_of_them_are_operational(boss, asked, maya, login):
    page = reverse("components")
    assert "Incident mode is on" not in boss.get(page).content.decode()
    incident = mode.enter(mode.preview(asked(components={}), maya).token, maya)
    warned = boss.get(page).content.decode()
    assert "still says that everything works" in warned
    assert reverse("incident", args=[incident.pk]) in warned
    Component.objects.filter(pk=login.pk).update(status="major_outage")
    assert "still says that everything works" not in boss.get(page).content.decode()


def test_components_are_added_renamed_and_set(boss, login):
    address = reverse("components")
    new = {"component": "new", "new-name": "Mail", "new-status": "operational", "new-position": "2"}
    assert boss.post(address, new).status_code == 302
    key = f"c{login.pk}"
    changed = {"component": login.pk, f"{key}-name": "Sign-in", f"{key}-status": "under_maintenance"}
    assert boss.post(address, changed | {f"{key}-position": "1"}).status_code == 302
    assert set(Component.objects.values_list("name", "status")) == {
        ("Mail", "operational"),
        ("Sign-in", "under_maintenance"),
    }
    twice = boss.post(address, new)
    assert twice.status_code == 400
    assert "already exists" in twice.content.decode()


def test_agents_look_and_only_managers_act(agent, incident):
    made = Broadcast.objects.get()
    update = incident.updates.first()
    for name, args in (("incidents", []), ("incident", [incident.pk]), ("broadcast", [made.pk])):
        page = agent.get(reverse(name, args=args))
        assert page.status_code == 200
        assert "Leave incident mode" not in page.content.decode()
    token = incident.preview.token
    for name, args in (
        ("incident_enter", []),
        ("incident_preview", [token]),
        ("incident_update", [incident.pk]),
        ("incident_leave", [incident.pk]),
        ("incident_reply", [incident.pk, update.pk]),
        ("broadcast_act", [made.pk, "stop"]),
        ("components", []),
    ):
        assert agent.post(reverse(name, args=args)).status_code == 403, name
    agent.logout()
    assert agent.get(reverse("incidents")).status_code == 302


def test_the_list_costs_the_same_however_long_it_is(boss, asked, maya, django_assert_max_num_queries):
    def cost() -> int:
        with django_assert_max_num_queries(40) as seen:
            assert boss.get(reverse("incidents")).status_code == 200
        return len(seen)

    mode.enter(mode.preview(asked(), maya).token, maya)
    one = cost()
    for number in range(4):
        mode.enter(mode.preview(asked(title=f"No. {number}"), maya).token, maya)
    assert cost() == one


def test_times_are_typed_and_shown_in_the_businesss_time(boss, asked, lines, login, settings):
    settings.TIME_ZONE = "America/New_York"
    since = datetime(2026, 11, 23, 10, 46, tzinfo=UTC)
    typed = offered(boss) | {"started_at": "2026-11-23T05:46"}
    with time_machine.travel(since + timedelta(hours=1), tick=False):
        shown = boss.post(reverse("incident_enter"), typed).url
    assert Preview.objects.get().effects["started_at"] == "2026-11-23T05:46:00-05:00"
    assert "23 Nov, 05:46 EST" in boss.get(shown).content.decode()


def test_the_moving_part_is_told_anew_only_when_something_moved(boss, incident, write):
    address = reverse("incident", args=[incident.pk])
    assert f'hx-get="{address}?live"' in boss.get(address).content.decode()
    with time_machine.travel(timezone.now(), tick=False):
        first = boss.get(f"{address}?live")
        again = boss.get(f"{address}?live", headers={"If-None-Match": first["ETag"]})
    assert "<html" not in first.content.decode()
    assert '<strong class="count">0</strong> linked' in first.content.decode()
    assert again.status_code == 304
    jobs.expand(incident.jobs.get(kind="link").pk)
    changes._bump(("tickets",))  # after the commit, which a test does not have
    moved = boss.get(f"{address}?live", headers={"If-None-Match": first["ETag"]})
    assert '<strong class="count">1</strong> linked' in moved.content.decode()


def test_the_next_update_begins_where_the_last_one_stood(boss, incident, maya):
    assert boss.get(reverse("incident", args=[incident.pk])).context["form"]["status"].value() == "investigating"
    mode.post_update(incident, "identified", "It is the database.", maya)
    assert boss.get(reverse("incident", args=[incident.pk])).context["form"]["status"].value() == "identified"


def test_who_only_listened_is_shown_and_told_only_if_chosen(boss, incident, lines):
    for number in range(3):
        Call.objects.create(
            sid=f"CA{number:032d}", line=lines[0], caller=f"+1201555010{number}", problem=incident.problem,
            started_at=timezone.now(), step="menu",
        )  # fmt: skip
    page = boss.get(reverse("incident_listeners", args=[incident.pk])).content.decode()
    assert "+1 201-555-0101" in page
    assert "at the menu" in page
    assert ">3</strong> numbers" in boss.get(reverse("incident", args=[incident.pk])).content.decode()
    left = boss.post(reverse("incident_leave", args=[incident.pk]), {"body": "All is well."})
    offer = boss.get(left.url)
    assert "3 numbers that only listened" in offer.content.decode()
    form = {name: field.value() for name, field in ((one.html_name, one) for one in offer.context["form"])}
    boss.post(left.url, {name: value for name, value in form.items() if value})
    assert not TextMessage.objects.exists()
    boss.post(left.url, {name: value for name, value in form.items() if value} | {"listeners": "on"})
    assert TextMessage.objects.count() == 3
    assert Broadcast.objects.filter(solves=True).count() == 1


@pytest.fixture
def surge(write):
    """A surge in which most write of an error, after weeks in which nobody did."""
    now = timezone.now()
    for number in range(112):
        old = {"subject": "Invoice", "text": "Where is it?", "state": "solved"}
        write(f"o{number}@example.com", created_at=now - timedelta(hours=6 * number + 1), **old)
    for number in range(20):
        write(f"s{number}@example.com", subject="Error 500", text="I see error 500.")
    for number in range(5):
        write(f"i{number}@example.com", subject="Invoice", text="Where is it?")
    found = Surge.objects.create(series="all", began_at=now - timedelta(minutes=10), detected_at=now, total=25)
    about.refresh(now)
    return found


def test_what_rises_is_offered_with_what_it_covers(boss, lines, login, surge):
    page = boss.get(reverse("incident_enter")).content.decode()
    assert "error 500: 80 % of the surge, 0 % of an ordinary week" in page
    assert "checked" not in page.partition('name="terms"')[2].partition(">")[0]
    ticked = boss.get(reverse("incident_enter"), {"words": ["error 500", "teapot"]})
    form = ticked.context["form"]
    assert (form["terms"].value(), form["words"].value()) == (["error 500"], "teapot")


def test_the_preview_says_how_much_of_the_surge_and_of_ordinary_weeks_a_rule_reaches(boss, lines, login, surge, write):
    write(subject="Asked to be called back", text="Asked on the phone to be called back.")
    asked = offered(boss) | {
        "terms": ["error 500", "gone since"],
        "words": "error 500, tea*",
        "started_at": _minutes_ago(8),
    }
    address = boss.post(reverse("incident_enter"), asked).url
    preview = Preview.objects.get()
    assert preview.effects["words"] == ["error 500", "gone since", "tea*"]
    link = preview.effects["link"]
    assert (link["tickets"], link["of"], link["ordinary"], link["share"]) == (20, 26, 0, "0 %")
    assert link["looked_at"] >= about.KNOWN
    page = " ".join(boss.get(address).content.decode().split())
    assert "20</strong> open tickets that mention error 500 or gone since or tea* will be linked" in page
    assert (
        "26 were opened since then and are unsolved, 1 of them by phone: callers gave no words, theirs stays." in page
    )
    assert "0 % of people write any of these words" in page
    again = boss.get(reverse("incident_enter"), {"again": preview.token}).context["form"]
    assert (again["terms"].value(), again["words"].value()) == (["error 500"], "gone since, tea*")


def _minutes_ago(minutes: int) -> str:
    return (timezone.now() - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize("words", ["login, *", "--", "x" * 81, ",".join("abcdefghi" * 5)])
def test_words_that_cannot_be_looked_for_are_named_and_kept(boss, lines, login, words):
    response = boss.post(reverse("incident_enter"), offered(boss) | {"words": words})
    assert response.status_code == 400
    assert response.context["form"].errors["words"]
    assert words in response.content.decode()
    assert not Preview.objects.exists()


def test_without_a_surge_there_is_nothing_to_tick(boss, lines, login):
    page = boss.get(reverse("incident_enter")).content.decode()
    assert 'name="terms"' not in page


def test_the_form_costs_the_same_however_many_terms_rise(boss, lines, login, surge):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            boss.get(reverse("incident_enter"))
        return len(seen)

    boss.get(reverse("incident_enter"))
    many = queries()
    SurgeTerms.objects.update(terms=[], rule=None)
    assert queries() >= many - 1
