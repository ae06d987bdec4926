from datetime import timedelta

import pytest
from django.utils import timezone

from tests.voice.phone_people import make_agent, wanted
from tickets.models import AuditEntry, Identity, Problem
from tickets.requesters import requester_of
from voice import callbacks, supervision, texts
from voice.models import Callback, TextMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def problem(db):
    return Problem.objects.create(title="Logins fail", opened_at=timezone.now())


def test_while_paused_nobody_is_offered_anything_and_callbacks_are_still_taken_down(line, agent, noon):
    assert supervision.pause(agent, "shift change")
    assert not supervision.pause(agent, "again")
    wanted(line)
    assert callbacks.next_for(agent) is None
    assert supervision.resume(agent)
    assert not supervision.resume(agent)
    assert callbacks.next_for(agent) is not None
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")][:2] == ["callbacks.pause", "callbacks.resume"]


def test_a_pause_may_end_by_itself(line, agent, noon):
    supervision.pause(agent, "lunch", until=timezone.now() - timedelta(seconds=1))
    assert callbacks.next_for(wanted(line) and agent) is not None


def test_more_than_so_many_of_one_block_in_an_hour_wait_for_a_manager(line, agent, noon, settings):
    settings.CALLBACKS_PER_PREFIX = 3
    rows = [wanted(line, f"+1201555{number:04d}", minutes=5) for number in range(100, 105)]
    elsewhere = wanted(line, "+12025550123", minutes=1)
    assert [bool(row.held) for row in rows] == [False] * 3 + [True] * 2
    assert not elsewhere.held
    offered = {callbacks.next_for(make_agent(f"a{number}")).number for number in range(4)}
    assert offered == {*(row.number for row in rows[:3]), elsewhere.number}
    assert not callbacks.claim(rows[4].pk, agent)
    assert supervision.release([row.pk for row in rows], agent) == 2
    assert callbacks.claim(rows[4].pk, agent)
    assert not wanted(line, "+12015550109", simulated=True).held


def test_a_callback_is_handed_over(line, agent, noon):
    callback, bob = wanted(line), make_agent("bob")
    callbacks.claim(callback.pk, bob)
    assert supervision.reassign(callback, agent, agent)
    assert callbacks.next_for(agent).pk == callback.pk
    Callback.objects.filter(pk=callback.pk).update(state="connected")
    assert not supervision.reassign(callback, bob, agent), "nobody is taken out of a call"


def test_all_of_an_incident_are_cancelled_and_told_once_by_text(
    line, agent, problem, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(supervision, "CHUNK", 4)
    rows = [wanted(line, f"+1201555{number:04d}", problem=problem) for number in range(100, 110)]
    other = wanted(line, "+12025550177")
    talking, landline, stopped = rows[0], wanted(line, "+442079460000", problem=problem), rows[1]
    Callback.objects.filter(pk=talking.pk).update(state="connected", agent=agent)
    requester_of(Identity.Kind.PHONE, stopped.number)
    Identity.objects.filter(value=stopped.number).update(suppressed_at=timezone.now())
    with django_assert_max_num_queries(60):
        assert supervision.cancel_all(problem, agent, "resolved", text=True) == (10, 8)
    assert supervision.cancel_all(problem, agent, "resolved", text=True) == (0, 0)
    left = set(Callback.objects.filter(state__in=Callback.OPEN_STATES).values_list("pk", flat=True))
    assert left == {talking.pk, other.pk}
    told = set(TextMessage.objects.values_list("to", flat=True))
    assert told == {row.number for row in rows[2:]}
    assert landline.ticket.entries.filter(text__contains="resolved").exists()
    assert texts.progress(f"callbacks:{problem.pk}") == {"queued": 8}


def test_blocks_of_numbers_are_shown_beside_their_caps(line, settings, problem, agent):
    settings.TEXTS_PER_PREFIX = 2
    for number in range(100, 103):
        ticket = wanted(line, f"+1201555{number:04d}").ticket
        texts.queue_status_link(ticket.callbacks.get().number, problem, line=line, ticket=ticket, by=agent)
    [block] = supervision.blocks(timezone.now())
    assert block == {"block": "+1201555", "texts": 2, "callbacks": 3, "capped": True}
