"""What Twilio has of us and we do not is journaled once, under the keys that its webhooks would have had."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.voice.telephone_service import call, message, recording
from tickets import intake
from tickets.models import Arrival, Entry, Ticket
from voice import reconcile
from voice.models import Call, Download, Reconciliation
from voice.plan import PLAN

pytestmark = pytest.mark.django_db
SID, RECORDING, TEXT = "CA" + "7" * 32, "RE" + "7" * 32, "SM" + "7" * 32


@pytest.fixture
def ago(line):
    PLAN.refresh()
    now = timezone.now().replace(microsecond=0)
    return lambda minutes: now - timedelta(minutes=minutes)


def run(times=1):
    found = [reconcile.run() for _ in range(times)]
    intake.understand_all()
    return found


def test_a_call_that_never_reached_us_is_there_once_with_its_own_time(twilio, ago):
    twilio.lists["calls"] = [call(SID, ago(50)), call("CA" + "8" * 32, ago(40), direction="outbound-api")]
    assert run(3) == [2, 0, 0]
    made = Call.objects.get()
    assert (made.sid, made.caller, made.status, made.line.key) == (SID, "+12015550123", "completed", "main")
    assert made.started_at == ago(50)
    assert Arrival.objects.exclude(counts_as="step").get().counts_as == "contact"


def test_a_call_that_is_known_only_gets_its_end(twilio, ago, caller):
    caller(sid=SID).dials()
    intake.understand_all()
    Arrival.objects.update(happened_at=ago(20))
    twilio.lists["calls"] = [call(SID, ago(20))]
    assert run(2) == [1, 0]
    assert Call.objects.get().status == "completed"
    assert Call.objects.get().face == "open"


def test_a_late_webhook_of_a_call_that_was_found_changes_nothing(twilio, ago, caller):
    twilio.lists["calls"] = [call(SID, ago(20))]
    run()
    before = list(Arrival.objects.values_list("key", flat=True))
    late = caller(sid=SID).dials()
    late.post("/voice/main/status/", CallStatus="completed")
    assert sorted(Arrival.objects.values_list("key", flat=True)) == sorted(before)


def test_a_message_that_was_left_becomes_a_ticket_once(twilio, ago, caller):
    twilio.lists["calls"] = [call(SID, ago(20))]
    twilio.lists["recordings"] = [recording(RECORDING, SID, ago(19))]
    run(2)
    ticket = Ticket.objects.get()
    assert ticket.subject == "Voicemail, 0:12"
    # its webhook comes after all
    caller(sid=SID).post("/voice/main/recording/en/0/", RecordingSid=RECORDING, RecordingDuration="12")
    run()
    assert Entry.objects.filter(kind="voicemail").count() == 1
    assert Ticket.objects.count() == 1


def test_a_text_that_never_reached_us_becomes_a_ticket_with_its_pictures(twilio, ago):
    twilio.lists["messages"] = [
        message(TEXT, ago(30), body="It fails", num_media="1"),
        message("SM" + "8" * 32, ago(30), direction="outbound-api"),
    ]
    uri = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages/{TEXT}/Media/ME{'1' * 32}"
    twilio.lists["media_list"] = [{"sid": "ME" + "1" * 32, "uri": f"{uri}.json"}]
    assert run(2) == [1, 0]
    entry = Entry.objects.get()
    assert entry.text == "It fails"
    assert Download.objects.get(entry=entry).url == f"https://api.twilio.com{uri}"


def test_what_is_fresh_is_left_to_its_webhook(twilio, ago):
    twilio.lists["calls"] = [call(SID, ago(1))]
    assert run() == [0]


def test_after_a_fault_it_goes_on_where_it_stopped(twilio, ago):
    Reconciliation.objects.create(name=reconcile.NAME, upto=ago(180))
    twilio.lists["calls"] = [call(SID, ago(170))]
    twilio.answers = [200, 200, 200, 500]
    assert run() == [2]
    state = Reconciliation.objects.get()
    assert "500" in state.fault
    assert state.upto == ago(120)
    assert run() == [0]
    state.refresh_from_db()
    assert state.fault == ""
    assert state.upto > ago(5)


def test_without_an_account_nothing_is_asked(settings, line):
    settings.TWILIO_ACCOUNT_SID = ""
    assert reconcile.run() == 0


def test_only_one_run_at_a_time():
    assert reconcile._running.acquire(blocking=False)
    assert not reconcile.start()
    reconcile._running.release()
