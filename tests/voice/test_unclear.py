"""What nobody knows the end of is settled by what Twilio can tell, and by nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.voice.phone_people import wanted
from tests.voice.telephone_service import call, message
from voice import texts, unclear
from voice.models import Callback, TextMessage

pytestmark = pytest.mark.django_db
SID, PHONE, NUMBER, LINE = "CA" + "7" * 32, "+12025550111", "+12015550123", "+12025550199"


@pytest.fixture
def began():
    return timezone.now().replace(microsecond=0) - timedelta(minutes=10)


@pytest.fixture
def lost(line, agent, began):
    """A callback whose call was begun, and nobody knows whether it was."""
    row = wanted(line)
    Callback.objects.filter(pk=row.pk).update(state="uncertain", agent=agent, attempts=1, claimed_at=began)
    return row


def ours(sid, at, to, **values):
    return call(sid, at, **{"from": LINE, "to": to, "direction": "outbound-api", **values})


def after(row):
    settled = unclear.settle()
    row.refresh_from_db()
    return settled, row.state, row.tries


def test_a_call_that_twilio_never_had_is_due_again(twilio, lost):
    assert after(lost) == (1, "due", 0)


def test_a_call_that_ended_before_the_customer_was_dialled_is_due_again(twilio, lost, began):
    twilio.lists["calls"] = [ours(SID, began, PHONE)]
    assert after(lost) == (1, "due", 0)


@pytest.mark.parametrize(
    ("status", "state", "tries"), [("completed", "connected", 0), ("busy", "due", 0), ("no-answer", "due", 0)]
)
def test_how_the_customers_call_ended_is_told_by_twilio(twilio, lost, began, status, state, tries):
    twilio.lists["calls"] = [
        ours(SID, began, PHONE),
        ours("CA" + "8" * 32, began, NUMBER, direction="outbound-dial", parent_call_sid=SID, status=status),
    ]
    assert after(lost) == (1, state, tries)
    assert lost.call_sid == SID


def test_a_call_that_goes_on_is_left_alone(twilio, lost, began):
    twilio.lists["calls"] = [ours(SID, began, PHONE, status="in-progress")]
    assert after(lost) == (0, "uncertain", 0)


def test_another_callbacks_call_is_not_taken_for_this_one(twilio, lost, began, line):
    other = wanted(line, "+12015550124")
    Callback.objects.filter(pk=other.pk).update(call_sid=SID)
    twilio.lists["calls"] = [ours(SID, began, PHONE, status="in-progress")]
    assert after(lost) == (1, "due", 0)


def test_where_twilio_cannot_tell_a_person_decides(twilio, lost):
    Callback.objects.filter(pk=lost.pk).update(agent=None)
    assert after(lost) == (0, "uncertain", 0)
    twilio.answers = [500] * 9
    assert after(lost) == (0, "uncertain", 0)


@pytest.fixture
def text(line, began):
    row = texts.queue(NUMBER, "We are working on it.", line=line)
    TextMessage.objects.filter(pk=row.pk).update(state="uncertain", claimed_at=began, attempts=1)
    return row


def test_a_text_that_twilio_has_counts_as_sent(twilio, text, began):
    sid = "SM" + "7" * 32
    twilio.lists["messages"] = [
        message(sid, began, direction="outbound-api", **{"from": LINE}, to=NUMBER, body="We are working on it.")
    ]
    assert unclear.settle() == 1
    text.refresh_from_db()
    assert (text.state, text.sid) == ("sent", sid)


def test_a_text_that_twilio_has_not_waits_for_a_person_who_is_told(twilio, text, began):
    twilio.lists["messages"] = [message("SM" + "7" * 32, began, direction="outbound-api", to=NUMBER, body="Another.")]
    assert unclear.settle() == 0
    text.refresh_from_db()
    assert text.state == "uncertain"
    assert "no such text" in text.error
