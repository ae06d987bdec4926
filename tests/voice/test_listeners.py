from datetime import timedelta

import pytest
from django.utils import timezone

from tickets.models import Identity, Problem, Told
from tickets.requesters import requester_of
from voice import listeners, texts
from voice.models import Call, TextMessage

pytestmark = pytest.mark.django_db
ABOUT = "update:7"


@pytest.fixture
def problem(db):
    return Problem.objects.create(title="Logins fail", opened_at=timezone.now())


@pytest.fixture
def called(line, problem):
    def call(number, choice="", **values):
        count = Call.objects.count()
        return Call.objects.create(
            sid=f"CA{count:032d}", line=line, caller=number, choice=choice, problem=problem, step="answer",
            started_at=timezone.now() - timedelta(minutes=count), **values,
        )  # fmt: skip

    return call


def test_who_asked_for_nothing_on_any_call_has_only_listened(called, problem):
    called("+12015550101")
    called("+12015550101", "nobody_free")
    called("+12015550102")
    called("+12015550102", "callback")
    called("+12015550103", "text")
    called("")
    called("+12015550104", simulated=True)
    [one] = listeners.of(problem)
    assert (one["caller"], one["calls"], one["reached"]) == ("+12015550101", 2, 1)
    assert listeners.withheld(problem) == 1


def test_they_are_texted_once_in_their_language_and_nobody_hears_it_twice(called, problem, line, agent):
    called("+12015550101", language="de")
    called("+12015550102")
    called("+442079460000")
    wrote = requester_of(Identity.Kind.PHONE, "+12015550103")
    called("+12015550103")
    Told.objects.create(requester=wrote, about=ABOUT)
    known = requester_of(Identity.Kind.PHONE, "+12015550102")
    assert listeners.audience(problem, ABOUT) == (2, 1)
    assert listeners.tell(problem, ABOUT, agent) == 2
    assert listeners.tell(problem, ABOUT, agent) == 0
    said = dict(TextMessage.objects.values_list("to", "body"))
    assert set(said) == {"+12015550101", "+12015550102"}
    assert "ist vorbei" in said["+12015550101"]
    assert "is over" in said["+12015550102"]
    assert Told.objects.filter(requester=known, about=ABOUT).exists()
    assert texts.progress(listeners.group_of(problem)) == {"queued": 2}


def test_thousands_cost_as_many_queries_as_chunks(called, problem, agent, monkeypatch, django_assert_max_num_queries):
    for number in range(100, 130):
        called(f"+1201555{number:04d}")
    monkeypatch.setattr(listeners, "CHUNK", 10)
    with django_assert_max_num_queries(60):
        assert listeners.tell(problem, ABOUT, agent) == 30
