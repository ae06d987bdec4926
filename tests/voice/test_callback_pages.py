from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import timezone

from tests.house import ticket
from tests.voice.phone_people import make_agent, wanted
from tickets.models import Problem, Ticket
from voice import callbacks
from voice.desk import clock_words
from voice.models import Callback, CallbackPause, TextMessage
from voice.numbers import local_times

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, agent):
    client.force_login(agent)
    return client


@pytest.mark.parametrize("view", ["due", "mine", "done"])
def test_the_list_costs_the_same_for_one_and_for_many(line, desk, agent, django_assert_max_num_queries, view):
    counts = []
    for number in range(3):
        callback = wanted(line, f"+1201555010{number}")
        Callback.objects.update(agent=agent)
        if view == "done":
            callbacks.cancel(callback, agent, "")
        with django_assert_max_num_queries(40) as context:
            assert desk.get(f"/callbacks/?view={view}").status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[2]


def test_pages_follow_on_each_other_and_leave_nobody_out(line, desk, monkeypatch):
    monkeypatch.setattr("voice.desk.PAGE", 2)
    for number in range(5):
        wanted(line, f"+1201555010{number}", minutes=50 - number)
    url, seen = "/callbacks/", []
    while url:
        answer = desk.get(url)
        seen += [row["callback"].number for row in answer.context["rows"]]
        url = f"/callbacks/?view=due&after={answer.context['older']}" if answer.context["older"] else ""
    assert seen == [f"+1201555010{number}" for number in range(5)]


def test_the_page_takes_the_next_and_notes_an_outcome(line, desk, noon):
    callback = wanted(line)
    answer = desk.post("/callbacks/next/")
    assert answer.url == f"/callbacks/{callback.pk}/"
    assert b"Call now" in desk.get(answer.url).content
    desk.post(f"/callbacks/{callback.pk}/act/", {"do": "reached", "note": "Fine."})
    callback.refresh_from_db()
    assert callback.state == "done"
    assert b"Nobody waits" in desk.get("/callbacks/").content


def test_call_now_says_what_happens_and_can_be_stopped(line, desk, twilio, noon):
    callback = wanted(line)
    page = desk.post(f"/callbacks/{callback.pk}/act/", {"do": "call"}, follow=True).content.decode()
    assert "Your phone rings. Press 1 there." in page
    assert "Stop the call" in page
    page = desk.post(f"/callbacks/{callback.pk}/act/", {"do": "stop"}, follow=True).content.decode()
    assert "The call is stopped" in page


def test_in_a_demo_without_an_account_the_page_explains_what_would_happen(line, desk, settings, noon):
    settings.TWILIO_ACCOUNT_SID = ""
    callback = wanted(line)
    page = desk.post(f"/callbacks/{callback.pk}/act/", {"do": "call"}, follow=True).content.decode()
    assert "you would press 1" in page
    desk.post(f"/callbacks/{callback.pk}/act/", {"do": "reached"})
    callback.refresh_from_db()
    assert callback.state == "done"


def test_a_cancellation_needs_a_reason(line, desk):
    callback = wanted(line)
    page = desk.post(f"/callbacks/{callback.pk}/act/", {"do": "cancel"}, follow=True).content.decode()
    assert "write into the note why" in page
    desk.post(f"/callbacks/{callback.pk}/act/", {"do": "cancel", "note": "They wrote instead."})
    callback.refresh_from_db()
    assert (callback.state, callback.note) == ("cancelled", "They wrote instead.")


def test_who_comes_too_late_is_told_so(line, desk):
    callback = wanted(line)
    callbacks.note_outcome(callback, make_agent("bob"), "reached")
    page = desk.post(f"/callbacks/{callback.pk}/act/", {"do": "wrong_number"}, follow=True).content.decode()
    assert "Nothing was changed" in page


@pytest.mark.parametrize("do", ["", "explode"])
def test_an_unknown_action_is_refused(line, desk, do):
    assert desk.post(f"/callbacks/{wanted(line).pk}/act/", {"do": do}).status_code == 400


def test_the_status_pages_address_is_texted_once(line, desk):
    problem = Problem.objects.create(title="Logins fail", opened_at=timezone.now())
    callback = wanted(line, problem=problem)
    for words in ("is texted", "has the link already"):
        page = desk.post(f"/callbacks/{callback.pk}/act/", {"do": "text"}, follow=True).content.decode()
        assert words in page
    assert TextMessage.objects.get().to == callback.number


def test_a_wrong_number_of_ones_own_is_named_and_kept(line, desk):
    answer = desk.post("/callbacks/my-phone/", {"number": "12"})
    assert answer.status_code == 422
    assert b"no phone number" in answer.content
    assert b'value="12"' in answer.content


def test_the_list_is_not_rendered_again_while_nothing_changed(line, desk):
    with time_machine.travel(timezone.now(), tick=False):
        first = desk.get("/callbacks/", headers={"HX-Request": "true"})
        again = desk.get("/callbacks/", headers={"HX-Request": "true", "If-None-Match": first["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+12015550123", "12:00"),
        ("+442079460000", "17:00"),
        ("+4930123456", "18:00"),
        ("+61412345678", "23:30 to 04:00"),
    ],
)
def test_their_time_is_told_where_they_are(number, words):
    assert clock_words(local_times(number, datetime(2026, 3, 2, 17, 0, tzinfo=UTC))) == words


def test_who_takes_the_next_hears_why_there_is_none(line, desk, nights):
    assert b"Nobody waits to be called back." in desk.post("/callbacks/next/", follow=True).content
    wanted(line)
    with time_machine.travel(datetime(2026, 3, 2, 7, 0, tzinfo=UTC)):
        assert b"it is night where they are" in desk.post("/callbacks/next/", follow=True).content
    CallbackPause.objects.create(since=timezone.now())
    assert b"Callbacks are paused" in desk.post("/callbacks/next/", follow=True).content


def test_a_ticket_leads_to_its_callback_wherever_it_was_merged(line, desk):
    callback = wanted(line)
    page = f"/callbacks/?ticket={callback.ticket_id}"
    assert page in desk.get(f"/tickets/{callback.ticket_id}/").content.decode().replace("&amp;", "&")
    assert desk.get(page).url == f"/callbacks/{callback.pk}/"
    into = ticket()
    Ticket.objects.filter(pk=callback.ticket_id).update(merged_into=into)
    assert desk.get(f"/callbacks/?ticket={into.pk}").url == f"/callbacks/{callback.pk}/"
    assert desk.get("/callbacks/?ticket=999").url == "/callbacks/"
