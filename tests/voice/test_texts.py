from datetime import timedelta

import pytest
from django.utils import timezone

from tests.voice.phone_people import in_threads, wanted
from tickets import work
from tickets.models import Identity, Problem, Rate
from tickets.requesters import requester_of
from voice import texts
from voice.models import TextMessage
from voice.twilio_client import Telephone

pytestmark = pytest.mark.django_db
NUMBER = "+12015550123"


@pytest.fixture
def row(line):
    return texts.queue(NUMBER, "We are working on it.", line=line)


@pytest.fixture
def problem(db):
    return Problem.objects.create(title="Logins fail", opened_at=timezone.now())


def link(line, problem, agent, number=NUMBER, **values):
    ticket = wanted(line, number).ticket
    return texts.queue_status_link(number, problem, line=line, ticket=ticket, by=agent, **values)


def test_a_text_is_sent_once_from_the_line_with_where_to_say_how_it_went(row, twilio):
    assert texts.send(row.pk) == "sent"
    assert texts.send(row.pk) == "sent"
    [(_, path, form)] = twilio.requests
    assert path.endswith("/Messages.json")
    assert (form["To"], form["From"], form["Body"]) == (NUMBER, "+12025550199", "We are working on it.")
    assert form["StatusCallback"] == f"https://support.example.com/voice/text/{row.pk}/status/"
    row.refresh_from_db()
    assert row.sid.startswith("SM")


def test_a_link_goes_once_to_a_number_and_incident(line, problem, agent):
    first = link(line, problem, agent)
    assert "/status/" in first.body
    assert "Logins fail" in first.body
    assert first.ticket.entries.filter(kind="automatic", payload__text=first.pk).exists()
    assert link(line, problem, agent) is None
    other = Problem.objects.create(title="Mail is late", opened_at=timezone.now())
    assert link(line, other, agent) is not None


def test_numbers_of_one_block_get_so_many_links_an_hour(line, problem, agent, settings):
    found = [
        link(line, problem, agent, f"+1201555{number:04d}")
        for number in range(100, 100 + settings.TEXTS_PER_PREFIX + 3)
    ]
    assert [row is None for row in found] == [False] * settings.TEXTS_PER_PREFIX + [True] * 3
    assert link(line, problem, agent, "+12025550123") is not None, "others get theirs"
    TextMessage.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert link(line, problem, agent, "+12015550199") is not None, "an hour later they may again"


@pytest.mark.parametrize("number", ["+19005550100", "+8613800138000", "12", ""])
def test_costly_and_foreign_numbers_get_no_text(line, number):
    assert texts.queue(number, "Hello", line=line) is None
    assert not TextMessage.objects.exists()


def test_a_simulated_caller_gets_no_text(line, problem, agent):
    assert link(line, problem, agent, simulated=True) is None
    assert not TextMessage.objects.exists()


def test_who_wants_no_texts_gets_none_even_if_one_was_queued(line, row, twilio):
    requester_of(Identity.Kind.PHONE, NUMBER)
    Identity.objects.update(suppressed_at=timezone.now())
    assert texts.queue(NUMBER, "Hello", line=line) is None
    assert texts.send(row.pk) == "suppressed"
    assert twilio.requests == []


@pytest.mark.parametrize(("answer", "state"), [(400, "failed"), (500, "queued"), (None, "uncertain")])
def test_what_a_fault_leads_to(row, twilio, answer, state):
    twilio.answers = [answer]
    assert texts.send(row.pk) == state
    row.refresh_from_db()
    assert row.error
    assert (row.due_at > timezone.now()) == (state == "queued")


def test_what_may_have_left_is_never_sent_again_by_itself(row, twilio, agent):
    twilio.answers = [None]
    texts.send(row.pk)
    texts.sweep()
    assert texts.send(row.pk) == "uncertain"
    assert len(twilio.requests) == 1
    assert texts.send_again(row.pk, agent)
    Rate.objects.all().delete()
    assert texts.send(row.pk) == "sent"
    assert not texts.send_again(row.pk, agent), "what was sent is not sent again"


def test_a_person_may_count_it_as_sent(row, twilio, agent):
    twilio.answers = [None]
    texts.send(row.pk)
    assert texts.count_as_sent(row.pk, agent)
    assert not texts.count_as_sent(row.pk, agent)
    row.refresh_from_db()
    assert row.state == "sent"


def test_a_worker_that_died_leaves_an_uncertain_text(row):
    work.claim(TextMessage.objects.all(), row.pk)
    TextMessage.objects.update(claimed_at=timezone.now() - timedelta(minutes=10))
    assert texts.sweep() == 1
    row.refresh_from_db()
    assert row.state == "uncertain"


def test_without_an_account_a_text_waits(row, settings):
    settings.TWILIO_ACCOUNT_SID = ""
    assert texts.send(row.pk) == "queued"
    row.refresh_from_db()
    assert row.due_at > timezone.now()
    assert "TWILIO_ACCOUNT_SID" in row.error


def test_a_text_whose_turn_has_not_come_stays_queued(row, twilio):
    Rate.objects.create(name="texts", per_second=1, next_at=timezone.now() + timedelta(minutes=1))
    assert texts.send(row.pk) == "queued"
    assert twilio.requests == []


@pytest.mark.django_db(transaction=True)
def test_workers_that_want_the_same_text_send_it_once(line, twilio, monkeypatch, settings):
    settings.TEXTS_PER_SECOND = 1000
    row = texts.queue(NUMBER, "Hello", line=line)
    sent = []
    ask = Telephone.send_text
    monkeypatch.setattr(Telephone, "send_text", lambda *args, **values: sent.append(1) or ask(*args, **values))
    in_threads(lambda number: texts.send(row.pk))
    assert len(sent) == 1
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("sent", 1)


def test_the_page_lists_what_waits_for_a_person(client, agent, line, row, twilio):
    client.force_login(agent)
    assert b"No text message waits" in client.get("/texts/").content
    twilio.answers = [400]
    texts.send(row.pk)
    assert NUMBER.encode() in client.get("/texts/").content
    assert b"not delivered" in client.get("/callbacks/").content
    assert b"Tick the texts first" in client.post("/texts/act/", {"action": "again"}, follow=True).content
    assert (
        b"1 of 1 will leave again"
        in client.post("/texts/act/", {"action": "again", "pick": row.pk}, follow=True).content
    )
    row.refresh_from_db()
    assert row.state == "queued"


def test_the_page_costs_the_same_for_one_and_for_many(client, agent, line, django_assert_max_num_queries):
    client.force_login(agent)
    counts = []
    for number in range(3):
        texts.queue(f"+1201555010{number}", "Hello", line=line, ticket=wanted(line, f"+1201555010{number}").ticket)
        TextMessage.objects.update(state="failed")
        with django_assert_max_num_queries(40) as context:
            client.get("/texts/")
        counts.append(len(context))
    assert counts[0] == counts[2]


def bulk(line, count, **values):
    return [
        TextMessage(to=f"+1201555{number:04d}", sender=line.number, body="It is over.", group="news:1",
                    once=f"news:1:{number}", due_at=timezone.now(), **values)
        for number in range(100, 100 + count)
    ]  # fmt: skip


def test_texts_in_bulk_are_queued_once_and_leave_behind_the_single_ones(line, twilio, settings):
    settings.TEXTS_PER_SECOND = 1000
    assert texts.queue_many(bulk(line, 3)) == 3
    assert texts.queue_many(bulk(line, 4)) == 1
    single = texts.queue("+12025550177", "Hello", line=line)
    assert texts.run_bulk() == 5
    assert twilio.requests[0][2]["To"] == single.to
    assert texts.progress("news:1") == {"sent": 4}


def test_how_long_texts_take_is_told_from_their_segments(line, settings):
    settings.TEXTS_PER_SECOND = 1
    assert texts.minutes_for(5000) == 84
    texts.queue_many(bulk(line, 3))
    texts.queue("+12025550177", "“" * 71, line=line)
    assert texts.minutes_left() == 1
    settings.TEXTS_PER_SECOND = 0.02
    assert texts.minutes_left() == 5


def test_without_an_account_texts_in_bulk_wait_together(line, settings):
    settings.TWILIO_ACCOUNT_SID = ""
    texts.queue_many(bulk(line, 3))
    assert texts.run_bulk() == 0
    assert TextMessage.objects.filter(due_at__gt=timezone.now(), error__contains="TWILIO_ACCOUNT_SID").count() == 3


def test_while_no_worker_hears_texts_are_sent_by_the_watch(line, twilio, row):
    assert texts.send_due() == 1
    assert texts.send_due() == 0
