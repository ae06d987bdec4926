"""Delivery against a real SMTP server that misbehaves: what is sure is retried, what is not is never sent twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.servers import free_port
from tests.tickets.test_outbox import bulk
from tickets import outbox, work
from tickets.models import Lane, Outgoing, Rate

pytestmark = pytest.mark.django_db


@pytest.fixture
def ten(open_ticket):
    return [bulk(open_ticket(address=f"p{i}@example.org"), to=f"p{i}@example.org") for i in range(10)]


def states() -> dict[str, str]:
    return dict(Outgoing.objects.values_list("to", "state"))


def test_a_bad_recipient_holds_up_nobody(ten, smtp):
    smtp.refuse["p3@example.org"] = "550 no such user"
    smtp.refuse["p4@example.org"] = "451 greylisted, come back"
    outbox.send_due(Lane.BULK)
    assert len(smtp.got) == 8
    assert smtp.connections == 1
    assert states()["p3@example.org"] == "failed"
    assert states()["p4@example.org"] == "queued"
    later = Outgoing.objects.get(to="p4@example.org")
    assert later.due_at > timezone.now() + timedelta(seconds=20)
    assert "greylisted" in later.error
    del smtp.refuse["p4@example.org"]
    Outgoing.objects.update(due_at=timezone.now())
    outbox.send_due(Lane.BULK)
    assert states()["p4@example.org"] == "sent"


def test_a_connection_that_dies_after_the_body_leaves_one_uncertain_and_the_rest_sent(ten, smtp):
    smtp.cut_after_body.add("p5@example.org")
    outbox.send_due(Lane.BULK)
    assert states() == {f"p{i}@example.org": "uncertain" if i == 5 else "sent" for i in range(10)}
    assert smtp.connections == 2
    outbox.sweep()
    outbox.send_due(Lane.BULK)
    assert smtp.recipients().count("p5@example.org") == 1


def test_a_connection_that_dies_before_the_body_is_simply_made_anew(ten, smtp):
    smtp.cut_before_body.add("p5@example.org")
    outbox.send_due(Lane.BULK)
    assert set(states().values()) == {"sent"}
    assert sorted(smtp.recipients()) == sorted(states())


def test_a_server_that_hangs_after_the_body_leaves_it_uncertain(ten, smtp):
    smtp.hang_after_body.add("p0@example.org")
    outbox.send_due(Lane.BULK, limit=1)
    assert states()["p0@example.org"] == "uncertain"


def test_an_uncertain_reply_is_resent_once_under_the_same_message_id(open_ticket, agent, smtp):
    row = outbox.queue_reply(open_ticket(), agent, "Hello")
    smtp.cut_after_body.add("jo@example.org")
    assert outbox.send(row.pk) == "uncertain"
    assert outbox.sweep()["resent"] == 1
    smtp.cut_after_body.add("jo@example.org")
    assert outbox.send(row.pk) == "uncertain"
    assert outbox.sweep()["resent"] == 0
    assert [m["Message-ID"] for m in smtp.got] == [row.message_id] * 2
    row.refresh_from_db()
    assert (row.state, row.resent) == ("uncertain", True)


def test_a_stale_claim_becomes_uncertain_and_a_late_truth_still_counts(ten, settings, agent):
    claimed = work.claim(Outgoing.objects.all(), ten[0].pk)
    assert work.claim(Outgoing.objects.all(), ten[0].pk) is None
    assert outbox.sweep()["uncertain"] == 0
    settings.CLAIM_STALE_SECONDS = -1
    assert outbox.sweep()["uncertain"] == 1
    assert not work.finish(claimed, "failed", "too late")
    assert work.finish(claimed, "sent")
    assert states()["p0@example.org"] == "sent"


def test_without_a_server_nothing_is_claimed_and_the_lane_pauses(ten, smtp, settings):
    settings.EMAIL_PORT, port = free_port(), settings.EMAIL_PORT
    assert outbox.send_due(Lane.BULK) == 0
    assert set(Outgoing.objects.values_list("state", "attempts")) == {("queued", 0)}
    settings.EMAIL_PORT = port
    assert outbox.send_due(Lane.BULK) == 0
    Rate.objects.update(next_at=timezone.now())
    assert outbox.send_due(Lane.BULK) == 10


def test_a_server_that_throttles_holds_the_lane_and_fails_nobody(ten, smtp):
    smtp.refuse["p2@example.org"] = "421 too many, go away"
    outbox.send_due(Lane.BULK)
    assert sorted(states().values()) == ["queued"] * 8 + ["sent"] * 2
    assert outbox.send_due(Lane.BULK) == 0


def test_what_cannot_be_written_fails_and_the_next_leaves(ten, smtp):
    Outgoing.objects.filter(pk=ten[0].pk).update(to="not an address\n")
    outbox.send_due(Lane.BULK)
    assert sorted(set(states().items()))[0] == ("not an address\n", "failed")
    assert len(smtp.got) == 9


def test_a_reply_does_not_wait_for_the_bulk_lane(ten, open_ticket, agent, smtp, settings):
    settings.MAIL_RATE = 0.5
    assert outbox.send_due(Lane.BULK, limit=1) == 1
    row = outbox.queue_reply(open_ticket(), agent, "Hello")
    assert outbox.send(row.pk) == "sent"


def test_acknowledgements_leave_before_older_bulk_mail(ten, open_ticket, smtp):
    bulk(open_ticket(), kind="ack", about=("ack:problem:1",))
    outbox.send_due(Lane.BULK, limit=1)
    assert smtp.recipients() == ["jo@example.org"]


def test_pauses_grow_to_a_limit_and_differ():
    seconds = [work.pause_after(n).total_seconds() for n in range(1, 12)]
    assert 22 <= seconds[0] <= 30
    assert all(later > earlier for earlier, later in zip(seconds[:8], seconds[1:9], strict=True))
    assert max(seconds) <= 3 * 3600
    assert len({work.pause_after(3) for _ in range(5)}) > 1


def test_a_server_that_hangs_up_again_and_again_is_left_alone_for_a_while(ten, smtp):
    smtp.cut_after_body.update(f"p{i}@example.org" for i in range(10))
    outbox.send_due(Lane.BULK)
    assert sorted(states().values()) == ["queued"] * 8 + ["uncertain"] * 2
    assert Rate.objects.get(name="mail").next_at > timezone.now()
