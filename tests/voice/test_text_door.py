import itertools
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from tests.voice.phone_people import wanted
from tickets import intake, journal, spool
from tickets.models import Arrival, Identity, Ticket
from voice import signature, texts
from voice.models import TextMessage
from voice.plan import PLAN

pytestmark = pytest.mark.django_db
NUMBER = "+12015550123"


@pytest.fixture
def post(client):
    def send(path="/voice/text/", **params):
        params = {"MessageSid": "SM" + "1" * 32, "From": NUMBER, "To": "+12025550199", **params}
        return client.post(path, params, headers={"X-Twilio-Signature": signature.sign(path, params)})

    return send


def test_a_text_becomes_a_ticket_once_however_often_it_is_sent(line, post):
    PLAN.refresh()
    for _ in range(2):
        answer = post(Body="I cannot log in 😟")
        assert answer.status_code == 200
        assert ElementTree.fromstring(answer.content).tag == "Response"
        assert len(ElementTree.fromstring(answer.content)) == 0
    intake.understand_all()
    ticket = Ticket.objects.get()
    assert (ticket.medium, ticket.subject) == ("text", "I cannot log in 😟")
    arrival = Arrival.objects.get()
    assert (arrival.counts_as, arrival.line, arrival.sender) == ("contact", "main", NUMBER)


def test_a_further_text_joins_what_is_open_and_not_what_is_solved(line, post):
    first = wanted(line).ticket
    post(Body="Any news?")
    intake.understand_all()
    assert first.entries.count() == 2
    Ticket.objects.update(state="solved", solved_at=timezone.now(), waiting_since=None)
    post(MessageSid="SM" + "2" * 32, Body="Something else.")
    intake.understand_all()
    assert Ticket.objects.count() == 2


def test_pictures_are_kept_by_their_address(post):
    post(Body="", NumMedia="1", MediaUrl0="https://api.example.com/ME1")
    intake.understand_all()
    entry = Ticket.objects.get().entries.get()
    assert entry.text == "(a picture)"
    assert entry.payload["media"] == ["https://api.example.com/ME1"]


def test_senders_who_hide_are_told_apart(post):
    for number in "12":
        post(MessageSid="SM" + number * 32, From="anonymous", Body="Hello")
    intake.understand_all()
    assert Ticket.objects.count() == 2


def test_stop_is_no_contact_and_ends_our_texts_until_start(line, post):
    wanted(line)
    for number, (kind, blocked) in enumerate([("STOP", True), ("START", False)]):
        post(MessageSid=f"SM{number:032d}", Body=kind, OptOutType=kind)
        intake.understand_all()
        assert Identity.objects.filter(value=NUMBER, suppressed_at__isnull=False).exists() == blocked
        assert (texts.queue(NUMBER, "Hello", line=line) is None) == blocked
    assert Ticket.objects.count() == 1
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"automatic"}


@pytest.mark.parametrize("path", ["/voice/text/", "/voice/text/1/status/"])
def test_unsigned_texts_are_refused_and_nothing_stored(client, path):
    answer = client.post(path, {"MessageSid": "SM1", "Body": "x"}, headers={"X-Twilio-Signature": "bm90IHNpZ25lZA=="})
    assert answer.status_code == 403
    assert not Arrival.objects.exists()


@pytest.mark.parametrize(
    ("path", "params"),
    [("/voice/text/", {"MessageSid": ""}), ("/voice/text/1/status/", {"MessageStatus": "exploded"})],
)
def test_malformed_texts_get_one_clear_line(post, path, params):
    answer = post(path, **params)
    assert answer.status_code == 400
    assert answer.content.count(b"\n") == 1
    assert not Arrival.objects.exists()


def test_what_cannot_be_kept_is_asked_for_again(post, monkeypatch):
    def full(record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_store_here", lambda record: None)
    monkeypatch.setattr(spool, "write", full)
    assert post(Body="Hello").status_code == 503
    assert post("/voice/text/1/status/", MessageStatus="sent").status_code == 503


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "queued"])))
def test_a_later_word_about_a_text_is_not_overruled_by_an_earlier_one(line, post, order):
    row = texts.queue(NUMBER, "Hello", line=line)
    for status in order:
        assert post(f"/voice/text/{row.pk}/status/", MessageStatus=status).status_code == 204
        intake.understand_all()
    row.refresh_from_db()
    assert row.delivery == "delivered"
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"step"}


@pytest.mark.parametrize(
    ("before", "status", "after"),
    [
        ("sent", "undelivered", "failed"),
        ("sent", "failed", "failed"),
        ("uncertain", "sent", "sent"),
        ("uncertain", "delivered", "sent"),
        ("uncertain", "failed", "failed"),
        ("sent", "delivered", "sent"),
    ],
)
def test_what_twilio_says_settles_a_text(line, post, before, status, after):
    row = texts.queue(NUMBER, "Hello", line=line)
    TextMessage.objects.update(state=before)
    post(f"/voice/text/{row.pk}/status/", MessageStatus=status, ErrorCode="30003")
    intake.understand_all()
    row.refresh_from_db()
    assert row.state == after
    assert ("30003" in row.error) == (after == "failed")


def test_a_delivered_text_does_not_fail_afterwards(line, post):
    row = texts.queue(NUMBER, "Hello", line=line)
    TextMessage.objects.update(state="sent")
    for status in ("delivered", "failed"):
        post(f"/voice/text/{row.pk}/status/", MessageStatus=status)
        intake.understand_all()
    row.refresh_from_db()
    assert (row.state, row.delivery) == ("sent", "delivered")


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe ", "QUIT"])
def test_stop_counts_where_twilio_does_not_say_so_and_from_whom_nobody_knows(post, word):
    post(Body=word)
    intake.understand_all()
    assert Identity.objects.get(value="+12015550123").suppressed_at is not None
    assert not Ticket.objects.exists()
    post(Body="Yes", MessageSid="SM" + "2" * 32)
    intake.understand_all()
    assert Identity.objects.get(value="+12015550123").suppressed_at is None
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("words", ["Yes", "stop calling me, my order is late", "Cancel my order"])
def test_words_in_a_sentence_are_no_wish(post, words):
    post(Body=words)
    intake.understand_all()
    assert Ticket.objects.count() == 1
    assert not Identity.objects.filter(suppressed_at__isnull=False).exists()
