import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from tests.voice.conftest import Caller
from tests.voice.telephone_service import Service
from tickets import intake
from tickets.models import Ticket
from voice import callbacks, dialling
from voice.models import AgentPhone, Callback

NOON_IN_NEW_JERSEY = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@pytest.fixture
def twilio(settings):
    service = Service()
    settings.TWILIO_API_BASE = service.base
    settings.PUBLIC_URL = "https://support.example.com"
    settings.CALLS_PER_SECOND = 1000
    yield service
    service.stop()


def make_agent(name):
    user = User.objects.create_user(name, f"{name}@acme.example", "a long enough one")
    user.groups.add(Group.objects.get(name="agent"))
    AgentPhone.objects.create(user=user, number="+12025550111")
    return user


@pytest.fixture
def agent(db):
    return make_agent("ada")


def wanted(line, number="+12015550123", minutes=10, **values):
    at = timezone.now() - timedelta(minutes=minutes)
    return callbacks.request(number, line=line, problem=None, arrival=None, happened_at=at, **values)[0]


@pytest.fixture
def noon():
    with time_machine.travel(NOON_IN_NEW_JERSEY, tick=True):
        yield


pytestmark = pytest.mark.django_db


def test_the_longest_waiting_comes_first_and_vips_before_all(line, agent):
    wanted(line, "+12015550101", minutes=5)
    longest = wanted(line, "+12015550102", minutes=50)
    vip = wanted(line, "+12015550103", minutes=1)
    vip.requester.vip = True
    vip.requester.save()
    assert [found.pk for found in dialling.due()][:2] == [vip.pk, longest.pk]
    assert dialling.next_for(agent).pk == vip.pk
    assert dialling.next_for(agent).pk == vip.pk, "who has one does not get another"


def test_call_now_rings_the_agent_and_then_the_customer(line, agent, twilio, client, noon):
    callback = wanted(line)
    dialling.call_now(callback, agent)
    [(method, path, form)] = twilio.requests
    assert path.endswith("/Calls.json")
    assert (form["To"], form["From"]) == ("+12025550111", line.number)
    callback.refresh_from_db()
    assert (callback.state, callback.attempts, callback.call_sid[:2]) == ("agent", 1, "CA")

    leg = Caller(client, number=line.number, sid=callback.call_sid).post(
        form["Url"].removeprefix("https://support.example.com")
    )
    assert "1 2 0 1 5 5 5 0 1 2 3" in leg.heard
    leg.presses("1")
    dial = leg.document.find("Dial")
    assert (dial.find("Number").text, dial.get("callerId")) == (callback.number, line.number)
    intake.understand_all()
    callback.refresh_from_db()
    assert callback.state == "customer"

    leg.post(dial.get("action"), DialCallStatus="completed")
    intake.understand_all()
    callback.refresh_from_db()
    assert callback.state == "connected"
    assert dialling.note_outcome(callback, agent, "reached", "All is well.")
    callback.refresh_from_db()
    assert (callback.state, callback.outcome) == ("done", "reached")
    assert Ticket.objects.get().state == "solved"


def test_an_agent_who_does_not_answer_leaves_the_callback_due(line, agent, twilio, client, noon):
    callback = wanted(line)
    dialling.call_now(callback, agent)
    status = twilio.requests[0][2]["StatusCallback"].removeprefix("https://support.example.com")
    caller = Caller(client, sid="CA" + "7" * 32)
    for state in ("no-answer", "ringing"):
        caller.post(status, CallStatus=state)
    intake.understand_all()
    callback.refresh_from_db()
    assert (callback.state, callback.agent) == ("due", None)


def test_a_word_about_an_earlier_attempt_changes_nothing(line, agent, twilio, noon):
    callback = wanted(line)
    dialling.call_now(callback, agent)
    Callback.objects.update(attempts=2)
    dialling.apply_leg(callback.pk, 1, "ended", "completed")
    callback.refresh_from_db()
    assert callback.state == "agent"


def test_a_customer_who_does_not_answer_is_tried_again_later(line, agent, twilio, noon):
    callback = wanted(line)
    dialling.call_now(callback, agent)
    dialling.apply_leg(callback.pk, 1, "connect", "")
    dialling.apply_leg(callback.pk, 1, "ended", "no-answer")
    callback.refresh_from_db()
    assert callback.state == "due"
    assert callback.due_at > timezone.now() + timedelta(minutes=10)
    assert not dialling.due().exists()


@pytest.mark.parametrize(("status", "state"), [(400, "due"), (500, "due")])
def test_what_twilio_refuses_was_not_dialled(line, agent, twilio, noon, status, state):
    twilio.answers = [status]
    callback = wanted(line)
    with pytest.raises(dialling.Refused, match="refused"):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert callback.state == state


def test_when_the_connection_breaks_nobody_dials_again_by_themselves(line, agent, twilio, noon):
    twilio.stop()
    callback = wanted(line)
    with pytest.raises(dialling.Refused):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert callback.state in ("uncertain", "due")


def test_too_many_requests_are_sent_again(line, agent, twilio, noon, monkeypatch):
    monkeypatch.setattr("voice.twilio_client.PAUSES", (0, 0))
    twilio.answers = [429, 429]
    dialling.call_now(wanted(line), agent)
    assert len(twilio.requests) == 3


def test_nobody_is_called_at_night_unless_on_purpose(line, agent, twilio):
    with time_machine.travel(datetime(2026, 3, 2, 7, 0, tzinfo=UTC)):
        callback = wanted(line)
        with pytest.raises(dialling.Refused, match="night"):
            dialling.call_now(callback, agent)
        dialling.call_now(callback, agent, even_at_night=True)
    assert len(twilio.requests) == 1


def test_a_simulated_callback_dials_nobody(line, agent, twilio):
    callback = wanted(line, simulated=True)
    assert dialling.call_now(callback, agent).state == "connected"
    assert twilio.requests == []


def test_without_a_phone_or_an_account_the_agent_is_told_what_to_do(line, agent, settings, noon):
    settings.TWILIO_ACCOUNT_SID = ""
    callback = wanted(line)
    with pytest.raises(dialling.Refused, match="TWILIO_ACCOUNT_SID"):
        dialling.call_now(callback, agent)
    AgentPhone.objects.all().delete()
    with pytest.raises(dialling.Refused, match="which number"):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert callback.state == "requested"


def test_silence_for_long_makes_a_call_uncertain(line, agent, twilio, noon):
    callback = wanted(line)
    dialling.call_now(callback, agent)
    Callback.objects.update(claimed_at=timezone.now() - timedelta(hours=2))
    assert dialling.sweep() == 1
    callback.refresh_from_db()
    assert callback.state == "uncertain"


def test_a_closed_callback_lets_the_number_ask_again(line, agent):
    first = wanted(line)
    assert wanted(line).pk == first.pk
    dialling.cancel(first, agent, "answered by mail")
    assert wanted(line).pk != first.pk


def in_threads(work, count=4):
    results = []

    def run(number):
        try:
            results.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_agents_never_get_the_same_callback(line):
    for number in range(4):
        wanted(line, f"+1201555010{number}")
    agents = [make_agent(f"agent{number}") for number in range(4)]
    taken = in_threads(lambda number: dialling.next_for(agents[number]).pk)
    assert len(set(taken)) == 4


@pytest.mark.django_db(transaction=True)
def test_asked_for_at_the_same_moment_a_callback_is_one(line):
    made = in_threads(lambda number: wanted(line).pk)
    assert len(made) == 4
    assert len(set(made)) == 1
    assert Ticket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_pressed_by_two_at_once_it_is_dialled_once(line, twilio):
    with time_machine.travel(NOON_IN_NEW_JERSEY, tick=True):
        callback = wanted(line)
        agents = [make_agent(f"agent{number}") for number in range(3)]

        def press(number):
            try:
                return dialling.call_now(callback, agents[number]).pk
            except dialling.Refused:
                return None

        assert sorted(map(bool, in_threads(press, 3))) == [False, False, True]
    assert len(twilio.requests) == 1


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
            dialling.cancel(callback, agent, "")
        with django_assert_max_num_queries(40) as context:
            assert desk.get(f"/callbacks/?view={view}").status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[2]


def test_the_page_takes_the_next_and_notes_an_outcome(line, desk):
    callback = wanted(line)
    answer = desk.post("/callbacks/next/")
    assert answer.url == f"/callbacks/{callback.pk}/"
    assert b"Call now" in desk.get(answer.url).content
    desk.post(f"/callbacks/{callback.pk}/act/", {"do": "reached", "note": "Fine."})
    callback.refresh_from_db()
    assert callback.state == "done"
    assert b"Nobody waits" in desk.get("/callbacks/").content


def test_a_wrong_number_of_ones_own_is_named_and_kept(line, desk):
    answer = desk.post("/callbacks/my-phone/", {"number": "12"})
    assert answer.status_code == 422
    assert b"no phone number" in answer.content
    assert b'value="12"' in answer.content


def test_the_list_is_not_rendered_again_while_nothing_changed(line, desk):
    first = desk.get("/callbacks/", headers={"HX-Request": "true"})
    again = desk.get("/callbacks/", headers={"HX-Request": "true", "If-None-Match": first["ETag"]})
    assert again.status_code == 304
