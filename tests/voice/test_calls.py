from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.promised import promised
from tests.voice.conftest import Caller
from tests.voice.noises import wav
from tickets import intake, journal, spool
from tickets.models import Arrival, Problem, Ticket
from voice import lines, plan, signature, sounds
from voice.models import Call, Callback

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(line) -> Problem:
    problem = Problem.objects.create(title="Logins fail", opened_at=timezone.now())
    lines.announce([line], {"en": "We know that logins fail."}, problem=problem)
    plan.PLAN.refresh()
    return problem


def test_an_open_line_greets_and_offers_callback_and_message(line, caller):
    call = caller().dials()
    assert call.heard.startswith("Hello, this is Acme.")
    assert "press 1" in call.heard
    assert "press 2" in call.heard
    assert "Für Deutsch drücken Sie die 9." in call.heard


def test_an_open_line_with_agents_rings_them_first(line, caller):
    line.rings = ["+12025550111", "+12025550112"]
    line.save()
    plan.PLAN.refresh()
    call = caller().dials()
    dial = call.document.find("Dial")
    assert [number.text for number in dial] == line.rings
    call.answer("no-answer")
    assert call.heard.startswith("Nobody is free")
    assert call.document.find("Gather") is not None


def test_in_incident_mode_the_message_comes_first(incident, caller):
    call = caller().dials()
    assert call.heard.startswith("We know that logins fail.")
    assert "another number" in call.heard


def test_recorded_audio_is_preferred_to_speech(line, caller):
    digest = sounds.take(wav())
    lines.announce([line], {"en": "Words."}, {"en": digest})
    plan.PLAN.refresh()
    assert caller().dials().document.find(".//Play").text == f"/voice/audio/{digest}/"


def test_pressing_1_asks_to_be_called_back_once_however_often(incident, line, caller):
    for sid in ("CA" + "1" * 32, "CA" + "2" * 32):
        call = caller(sid=sid).dials().presses("1")
        assert "will call you back" in call.heard
        assert call.document.find("Hangup") is not None
    intake.understand_all()
    callback = Callback.objects.get()
    assert (callback.number, callback.state, callback.problem) == ("+12015550123", "requested", incident)
    assert callback.ticket.problem == incident
    assert callback.ticket.entries.count() == 2
    assert Ticket.objects.count() == 1


def test_a_withheld_number_is_asked_for_one(incident, caller):
    call = caller(number="anonymous").dials().presses("1").presses("12015550188")
    assert "1 2 0 1 5 5 5 0 1 8 8" in call.heard
    call.presses("1")
    intake.understand_all()
    assert Callback.objects.get().number == "+12015550188"


def test_a_costly_number_is_refused(incident, caller):
    call = caller().dials().presses("2").presses("19005550100")
    assert call.heard.startswith("This number cannot be called")
    intake.understand_all()
    assert not Callback.objects.exists()


def test_9_speaks_the_other_language(line, caller):
    call = caller().dials().presses("9")
    assert call.heard.startswith("Hallo, hier ist Acme.")
    assert "press 9" in call.heard


def test_a_wrong_key_repeats_the_menu_and_then_says_goodbye(line, caller):
    call = caller().dials()
    for _ in range(2):
        call.presses("7")
        assert call.document.find("Gather") is not None
    assert "Goodbye" in call.presses("").heard


def test_a_message_left_becomes_a_ticket(line, caller):
    call = caller().dials().presses("2").speak(42).call
    intake.understand_all()
    ticket = Ticket.objects.get()
    assert ticket.subject == "Voicemail, 0:42"
    assert ticket.entries.get().payload["recording"] == call.log[-1].params["RecordingSid"]


def test_a_call_that_only_listens_is_a_contact_and_no_ticket(incident, caller):
    caller().dials().post("/voice/main/status/", CallStatus="completed")
    intake.understand_all()
    call = Call.objects.get()
    assert (call.face, call.problem, call.status) == ("incident", incident, "completed")
    assert not Ticket.objects.exists()
    assert sorted(Arrival.objects.values_list("counts_as", flat=True)) == ["contact", "step"]


def test_a_late_ringing_after_completed_changes_nothing(line, caller):
    call = caller().dials()
    for status in ("completed", "ringing", "in-progress"):
        call.post("/voice/main/status/", CallStatus=status)
    intake.understand_all()
    assert Call.objects.get().status == "completed"


def test_a_webhook_sent_again_is_one_arrival_and_the_same_answer(incident, caller):
    first = caller().dials().heard
    assert caller().dials().heard == first
    assert Arrival.objects.count() == 1


def test_a_key_counts_for_the_menu_that_was_heard(line, caller):
    call = caller().dials()
    lines.announce([line], {"en": "We know."})
    plan.PLAN.refresh()
    assert call.presses("2").document.find("Record") is not None


def test_the_newest_announcement_wins_and_leaving_shows_what_was_under_it(line, incident, caller):
    second = Problem.objects.create(title="Mail is late", opened_at=timezone.now())
    lines.announce([line], {"en": "Mail is late."}, problem=second)
    plan.PLAN.refresh()
    assert caller().dials().heard.startswith("Mail is late.")
    lines.clear(second)
    plan.PLAN.refresh()
    assert caller().dials().heard.startswith("We know that logins fail.")


def test_an_announcement_runs_out_by_itself(line, caller):
    now = timezone.now()
    lines.announce([line], {"en": "For an hour."}, until=now + timedelta(hours=1))
    document = plan.PLAN.refresh()["lines"]["main"]
    assert plan.face(document, now + timedelta(minutes=59)).kind == "incident"
    assert plan.face(document, now + timedelta(minutes=61)).kind == "open"


def test_simulated_calls_are_marked_and_not_counted(line, caller):
    caller(BreakwaterSimulated="1").dials().presses("1")
    intake.understand_all()
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"simulated"}
    assert Callback.objects.get().simulated
    assert Call.objects.get().simulated


def test_an_unknown_line_is_answered_all_the_same(caller):
    assert "support" in caller().dials("nowhere").heard


def test_what_fails_inside_is_answered_with_the_lines_message(line, caller, monkeypatch):
    def broken(turn):
        raise ZeroDivisionError

    monkeypatch.setattr("voice.script.answer", broken)
    assert caller().dials().heard == "Hello, this is Acme."


def test_a_callback_that_cannot_be_kept_is_not_confirmed(incident, caller, monkeypatch):
    call = caller().dials()

    def full(record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_store_here", lambda record: None)
    monkeypatch.setattr(spool, "write", full)
    assert "could not note" in call.presses("1").heard


def test_answers_come_without_the_database(line, caller, monkeypatch):
    monkeypatch.setattr(journal, "_store_here", lambda record: None)

    def refuse(execute, sql, params, many, context):
        raise AssertionError(f"a call asked the database: {sql}")

    with connection.execute_wrapper(refuse):
        call = caller().dials().presses("1")
    assert "will call you back" in call.heard
    assert len(spool.waiting()) == 2
    spool.drain(journal.store)
    intake.understand_all()
    assert Callback.objects.count() == 1


@pytest.mark.parametrize("given", ["", "bm90IHNpZ25lZA=="])
def test_an_unsigned_call_is_refused_and_nothing_stored(line, client, given):
    answer = client.post("/voice/main/answer/", {"CallSid": "CA1"}, headers={"X-Twilio-Signature": given})
    assert answer.status_code == 403
    assert not Arrival.objects.exists()
    assert not spool.waiting()


def test_any_of_several_tokens_may_sign(line, client, settings):
    settings.TWILIO_AUTH_TOKENS = ["another" * 4]
    given = signature.sign("/voice/main/answer/", {"CallSid": "CA1"})
    settings.TWILIO_AUTH_TOKENS = ["first" * 6, "another" * 4]
    answer = client.post("/voice/main/answer/", {"CallSid": "CA1"}, headers={"X-Twilio-Signature": given})
    assert answer.status_code == 200


def test_without_a_token_nothing_is_signed(line, client, settings):
    settings.TWILIO_AUTH_TOKENS = []
    assert client.post("/voice/main/answer/", {"CallSid": "CA1"}).status_code == 403


@settings(max_examples=promised(60, 20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    step=st.sampled_from(["answer/", "status/", "menu/open/en/0/", "menu/x/zz/9/", "number/en/0/", "confirm/1/de/2/"]),
    params=st.dictionaries(
        st.sampled_from(["CallSid", "From", "To", "Digits", "CallStatus", "DialCallStatus", "RecordingDuration"]),
        st.text(st.characters(codec="utf-8"), max_size=30),
    ),
)
def test_whatever_is_signed_is_answered(line, client, step, params):
    assert Caller(client).post(f"/voice/main/{step}", **params).document.tag == "Response"
