import itertools
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.voice.conftest import Caller
from tests.voice.phone_people import in_threads, make_agent, wanted
from tests.voice.telephone_service import call
from tickets import intake
from tickets.models import Arrival, Identity, Outgoing, Rate, Ticket
from voice import callbacks, dialling, outcomes, supervision
from voice.models import AgentPhone, Callback, TextMessage

pytestmark = pytest.mark.django_db
HERE = "https://support.example.com"


@pytest.fixture
def callback(line, noon):
    return wanted(line)


def test_call_now_rings_the_agent_and_then_the_customer(line, callback, agent, twilio, client):
    dialling.call_now(callback, agent)
    [(method, path, form)] = twilio.requests
    assert path.endswith("/Calls.json")
    assert (form["To"], form["From"]) == ("+12025550111", line.number)
    callback.refresh_from_db()
    assert (callback.state, callback.tries, callback.call_sid[:2]) == ("agent", 0, "CA")

    leg = Caller(client, number=line.number, sid=callback.call_sid).post(form["Url"].removeprefix(HERE))
    assert "1 2 0 1 5 5 5 0 1 2 3" in leg.heard
    leg.presses("1")
    dial = leg.document.find("Dial")
    assert (dial.find("Number").text, dial.get("callerId")) == (callback.number, line.number)
    intake.understand_all()
    callback.refresh_from_db()
    assert (callback.state, callback.tries) == ("customer", 1)

    leg.answer("completed")
    intake.understand_all()
    callback.refresh_from_db()
    assert callback.state == "connected"
    assert callbacks.note_outcome(callback, agent, "reached", "All is well.")
    callback.refresh_from_db()
    assert (callback.state, callback.outcome, callback.tries) == ("done", "reached", 1)
    assert Ticket.objects.get().state == "solved"


def test_steps_of_our_own_calls_are_no_contacts(callback, agent, twilio, client):
    dialling.call_now(callback, agent)
    leg = Caller(client, sid="CA" + "7" * 32).post(twilio.requests[0][2]["Url"].removeprefix(HERE)).presses("1")
    leg.answer("busy")
    intake.understand_all()
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"step"}


@pytest.mark.parametrize("keys", ["", "2", "11"])
def test_only_1_dials_the_customer(callback, agent, twilio, client, keys):
    """A mailbox that answers in the agent's place presses nothing."""
    dialling.call_now(callback, agent)
    leg = Caller(client, sid="CA" + "7" * 32).post(twilio.requests[0][2]["Url"].removeprefix(HERE))
    leg.post(leg.call.wait.action, Digits=keys)
    assert leg.document.find("Dial") is None
    assert leg.document.find("Hangup") is not None


def test_an_agent_who_does_not_answer_keeps_the_callback_and_it_is_no_try(callback, agent, twilio, client):
    dialling.call_now(callback, agent)
    status = twilio.requests[0][2]["StatusCallback"].removeprefix(HERE)
    caller = Caller(client, sid="CA" + "7" * 32)
    for state in ("no-answer", "ringing"):
        caller.post(status, CallStatus=state)
    intake.understand_all()
    callback.refresh_from_db()
    assert (callback.state, callback.agent, callback.tries) == ("due", agent, 0)


WORDS = [("connect", "in-progress"), ("ended", "completed"), ("status", "completed")]
ORDERS = list(itertools.permutations(WORDS))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(step for step, _ in order))
def test_in_whatever_order_the_words_come_a_reached_customer_is_connected(callback, agent, twilio, order):
    dialling.call_now(callback, agent)
    for step, status in order:
        dialling.apply_leg(callback.pk, 1, step, status)
    callback.refresh_from_db()
    assert (callback.state, callback.tries, callback.agent) == ("connected", 1, agent)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(step for step, _ in order))
def test_in_whatever_order_the_words_come_who_did_not_answer_is_tried_later(callback, agent, twilio, order):
    dialling.call_now(callback, agent)
    for step, status in order:
        dialling.apply_leg(callback.pk, 1, step, "no-answer" if step == "ended" else status)
    callback.refresh_from_db()
    assert (callback.state, callback.tries, callback.agent) == ("due", 1, None)
    assert callback.due_at > timezone.now() + timedelta(minutes=10)
    assert not callbacks.due().exists()


def test_a_word_about_an_earlier_attempt_changes_nothing(callback, agent, twilio):
    dialling.call_now(callback, agent)
    Callback.objects.update(attempts=2)
    dialling.apply_leg(callback.pk, 1, "ended", "completed")
    callback.refresh_from_db()
    assert callback.state == "agent"


def test_twilios_late_word_does_not_undo_a_persons(callback, agent, twilio):
    dialling.call_now(callback, agent)
    dialling.apply_leg(callback.pk, 1, "connect", "")
    assert callbacks.note_outcome(callback, agent, "no_answer")
    dialling.apply_leg(callback.pk, 1, "ended", "completed")
    callback.refresh_from_db()
    assert (callback.state, callback.tries) == ("due", 1)


@pytest.mark.parametrize("status", [400, 500])
def test_what_twilio_refuses_was_not_dialled(callback, agent, twilio, status):
    twilio.answers = [status]
    with pytest.raises(dialling.Refused, match="refused"):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert callback.state == "due"


def test_when_no_answer_comes_nobody_dials_again_by_themselves(callback, agent, twilio):
    twilio.answers = [None]
    with pytest.raises(dialling.Refused, match="not reached|did not answer"):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert callback.state == "uncertain"
    with pytest.raises(dialling.Refused):
        dialling.call_now(callback, agent)
    assert len(twilio.requests) == 1


def test_too_many_requests_are_sent_again(callback, agent, twilio, monkeypatch):
    monkeypatch.setattr("voice.twilio_client.PAUSES", (0, 0))
    twilio.answers = [429, 429]
    dialling.call_now(callback, agent)
    assert len(twilio.requests) == 3


def test_a_taken_slot_makes_the_next_wait_or_come_back(callback, agent, twilio, settings):
    settings.CALLS_PER_SECOND = 1
    Rate.objects.create(name="calls", per_second=1, next_at=timezone.now() + timedelta(seconds=30))
    with pytest.raises(dialling.Refused, match="in a few seconds"):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert (callback.state, twilio.requests) == ("requested", [])


@pytest.mark.parametrize("number", ["+12015550123", "+61412345678"])
def test_nobody_is_called_at_night(line, agent, twilio, settings, number, nights):
    settings.CALL_COUNTRIES = ["US", "AU"]
    callback = wanted(line, number)
    with time_machine.travel(datetime(2026, 3, 2, 8, 0, tzinfo=UTC).replace(hour=14 if "+61" in number else 8)):
        for on_purpose in (False, True):
            with pytest.raises(dialling.Refused, match="It is night where the customer is"):
                dialling.call_now(callback, agent, even_at_night=on_purpose)
    assert twilio.requests == []


def test_who_may_be_asleep_in_some_of_their_zones_is_called_on_purpose_only(line, agent, twilio, settings, nights):
    settings.CALL_COUNTRIES = ["US", "AU"]
    callback = wanted(line, "+61412345678")
    with time_machine.travel(datetime(2026, 3, 2, 9, 30, tzinfo=UTC)):
        with pytest.raises(dialling.Refused, match="may be night"):
            dialling.call_now(callback, agent)
        dialling.call_now(callback, agent, even_at_night=True)
    assert len(twilio.requests) == 1


def test_the_hours_are_those_of_the_installation(line, agent, twilio, settings, noon):
    settings.CALL_HOURS = (13, 20)
    with pytest.raises(dialling.Refused, match="from 13:00 on"):
        dialling.call_now(wanted(line), agent)


def test_an_agent_has_one_callback_at_a_time(line, agent, twilio, noon):
    first, second = wanted(line), wanted(line, "+12015550124")
    dialling.call_now(first, agent)
    with pytest.raises(dialling.Refused, match=r"in a callback to \+1 201-555-0123"):
        dialling.call_now(second, agent)
    Callback.objects.filter(pk=first.pk).update(state="connected")
    with pytest.raises(dialling.Refused, match="Note first how it went"):
        dialling.call_now(second, agent)
    callbacks.note_outcome(first, agent, "reached")
    assert dialling.call_now(second, agent).state == "agent"


@pytest.mark.django_db(transaction=True)
def test_pressed_for_several_callbacks_at_once_an_agent_gets_one(line, agent, twilio, noon):
    rows = [wanted(line, f"+1201555012{number}") for number in range(4)]

    def press(number):
        try:
            dialling.call_now(rows[number], agent)
        except dialling.Refused:
            return 0
        return 1

    assert sum(in_threads(press)) == 1
    assert len(twilio.requests) == 1


def test_while_callbacks_are_paused_nobody_is_dialled(line, agent, twilio, noon):
    callback = wanted(line)
    supervision.pause(agent, "everybody to the meeting")
    with pytest.raises(dialling.Refused, match="everybody to the meeting"):
        dialling.call_now(callback, agent)
    supervision.resume(agent)
    dialling.call_now(callback, agent)


@pytest.mark.parametrize(
    ("number", "text", "mail"), [("+12015550123", 1, 0), ("+442079460000", 0, 1), ("+442079460001", 0, 0)]
)
def test_after_the_last_try_a_text_or_a_mail_says_so(line, agent, number, text, mail):
    callback = wanted(line, number)
    if mail:
        Identity.objects.create(requester=callback.requester, kind=Identity.Kind.EMAIL, value="ann@example.com")
    Callback.objects.filter(pk=callback.pk).update(state="customer", attempts=4, tries=outcomes.TRIES, agent=agent)
    for _ in range(2):
        dialling.apply_leg(callback.pk, 4, "ended", "no-answer")
    callback.refresh_from_db()
    assert callback.state == "gave_up"
    assert TextMessage.objects.filter(to=number, body__contains="tried to call you back 4 times").count() == text
    assert Outgoing.objects.filter(to="ann@example.com", subject__contains="could not reach you").count() == mail


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+19005550100", "Premium"),
        ("+881612345678", "not called"),
        ("+442079460000", "CALL_COUNTRIES"),
        ("+1", "no phone"),
    ],
)
def test_costly_numbers_are_not_dialled_whoever_asked(line, agent, twilio, settings, noon, number, why):
    settings.CALL_COUNTRIES = ["US"]
    with pytest.raises(dialling.Refused, match=why):
        dialling.call_now(wanted(line, number), agent, even_at_night=True)
    assert twilio.requests == []


def test_a_simulated_callback_dials_nobody(line, agent, twilio):
    callback = wanted(line, simulated=True)
    assert dialling.call_now(callback, agent).state == "connected"
    assert callbacks.note_outcome(callback, agent, "reached")
    assert twilio.requests == []


def test_without_an_account_or_a_phone_the_agent_is_told_what_to_do(callback, agent, settings, twilio):
    AgentPhone.objects.all().delete()
    with pytest.raises(dialling.Refused, match="which number"):
        dialling.call_now(callback, agent)
    settings.TWILIO_ACCOUNT_SID = ""
    with pytest.raises(dialling.Refused, match="own phone"):
        dialling.call_now(callback, agent)
    callback.refresh_from_db()
    assert callback.state == "requested"


def test_a_call_can_be_stopped_before_the_customer_is_dialled(callback, agent, twilio):
    called = dialling.call_now(callback, agent)
    called.refresh_from_db()
    with pytest.raises(dialling.Refused, match="no call of yours"):
        dialling.stop(called, make_agent("bob"))
    dialling.stop(called, agent)
    assert twilio.requests[-1][2] == {"Status": "completed"}
    assert twilio.requests[-1][1].endswith(f"/Calls/{called.call_sid}.json")
    called.refresh_from_db()
    assert called.state == "due"


@pytest.mark.parametrize(
    ("going", "state"), [("in-progress", "customer"), ("completed", "uncertain"), ("no-answer", "uncertain")]
)
def test_a_silent_call_is_looked_into(callback, agent, twilio, going, state):
    dialling.call_now(callback, agent)
    dialling.apply_leg(callback.pk, 1, "connect", "")
    assert dialling.sweep() == 0, "nothing is silent yet"
    Callback.objects.update(claimed_at=timezone.now() - timedelta(hours=2))
    twilio.call_status = going
    dialling.sweep()
    callback.refresh_from_db()
    assert callback.state == state
    dialling.apply_leg(callback.pk, 1, "ended", "completed")
    callback.refresh_from_db()
    assert callback.state == "connected", "a late word settles it"


def test_a_crash_between_claim_and_dialling_leaves_it_to_a_person(callback, agent, twilio, monkeypatch):
    def killed(*args, **values):
        raise SystemExit

    monkeypatch.setattr("voice.twilio_client.Telephone.start_call", killed)
    with pytest.raises(SystemExit):
        dialling.call_now(callback, agent)
    Callback.objects.update(claimed_at=timezone.now() - timedelta(minutes=3))
    assert dialling.sweep() == 1
    callback.refresh_from_db()
    assert callback.state == "uncertain"
    assert callbacks.note_outcome(callback, agent, "no_answer"), "a person says how it went"


def test_who_takes_a_callback_and_goes_home_gives_it_back(callback, agent):
    assert callbacks.next_for(agent).pk == callback.pk
    assert dialling.sweep() == 0
    Callback.objects.update(claimed_at=timezone.now() - timedelta(hours=1))
    assert dialling.sweep() == 1
    assert callbacks.next_for(make_agent("bob")).pk == callback.pk


def test_a_leg_that_can_be_kept_nowhere_is_dialled_all_the_same(callback, agent, twilio, client, monkeypatch):
    dialling.call_now(callback, agent)
    leg = Caller(client, sid="CA" + "7" * 32).post(twilio.requests[0][2]["Url"].removeprefix(HERE))

    def full(record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tickets.journal._store_here", lambda record: None)
    monkeypatch.setattr("tickets.spool.write", full)
    assert leg.presses("1").document.find("Dial") is not None


@pytest.mark.parametrize("key", ["nowhere", "main"])
@pytest.mark.parametrize("said", ["", "1", "completed", "\0", "😟" * 300])
def test_a_leg_of_nothing_we_know_is_answered_and_moves_nothing(callback, client, key, said):
    caller = Caller(client, sid="CA" + "7" * 32)
    for step in ("agent", "connect", "ended", "status", "else"):
        path = f"/voice/callback/{callback.pk}/7/{key}/12015550123/{step}/"
        caller.post(path, Digits=said, CallStatus=said, DialCallStatus=said)
    intake.understand_all()
    callback.refresh_from_db()
    assert callback.state == "requested"


def test_an_unsigned_leg_is_refused(callback, client):
    assert client.post(f"/voice/callback/{callback.pk}/1/main/12015550123/connect/", {"Digits": "1"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_pressed_by_several_at_once_it_is_dialled_once(line, twilio, noon):
    callback = wanted(line)
    agents = [make_agent(f"agent{number}") for number in range(4)]

    def press(number):
        try:
            return bool(dialling.call_now(callback, agents[number]))
        except dialling.Refused:
            return False

    assert sorted(in_threads(press)) == [False, False, False, True]
    # Who comes a moment later asks Twilio first whether the call that was begun goes on.
    assert [method for method, *_ in twilio.requests].count("POST") == 1


@pytest.mark.parametrize(("going", "dials"), [("in-progress", False), ("completed", True)])
def test_a_callback_asked_for_anew_waits_for_the_call_of_the_one_before(line, callback, agent, twilio, going, dials):
    """The agent has noted the answer while they still talked, and somebody takes the customer's next wish."""
    dialling.call_now(callback, agent)
    Callback.objects.update(state="uncertain")
    callback.refresh_from_db()
    assert callbacks.note_outcome(callback, agent, "by_mail")
    anew = wanted(line, callback.number)
    assert anew.pk != callback.pk
    twilio.call_status = going
    begun = [form for method, _, form in twilio.requests if method == "POST"]
    if dials:
        dialling.call_now(anew, agent)
    else:
        with pytest.raises(dialling.Refused, match="goes on still"):
            dialling.call_now(anew, agent)
    assert len([form for method, _, form in twilio.requests if method == "POST"]) == len(begun) + dials


def test_a_call_whose_beginning_nobody_knows_is_looked_for_by_the_number(line, callback, agent, twilio, noon):
    dialled = timezone.now() - timedelta(minutes=10)
    Callback.objects.update(state="cancelled", attempts=1, dialled_at=dialled, done_at=timezone.now())
    anew = wanted(line, callback.number)
    twilio.lists["calls"] = [
        call(
            "CA" + "3" * 32,
            dialled + timedelta(seconds=5),
            to=callback.number,
            status="in-progress",
            direction="outbound-dial",
        )
    ]
    with pytest.raises(dialling.Refused, match="goes on still"):
        dialling.call_now(anew, agent)
    twilio.lists["calls"] = []
    assert dialling.call_now(anew, agent).state == "agent"
