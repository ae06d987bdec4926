"""Tickets are linked by a frozen query, as they arrive to the newest incident, and unlinked one by one or at once."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from tickets import intake
from tickets.message import InboundMessage
from tickets.models import Outgoing, Problem, Ticket, Told
from triage.incidents import frozen, jobs, linking, mode
from triage.models import Incident, Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def entered(asked, maya):
    def enter(**choices) -> Incident:
        return mode.enter(mode.preview(asked(**choices), maya).token, maya)

    return enter


def link(incident: Incident) -> Job:
    job = incident.jobs.get(kind=Job.Kind.LINK)
    assert jobs.expand(job.pk)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    ("text", "words", "medium", "expected"),
    [
        ("Anything", [], "email", True),
        ("My LOGIN fails", ["login"], "email", True),
        ("Invoice please", ["login", "500"], "email", False),
        ("error 500", ["login", "500"], "web", True),
        ("", ["login"], "phone", True),
        ("order 1500", ["500"], "email", False),
        ("Logins fail", ["login*"], "email", True),
    ],
)
def test_words_decide_but_for_calls(text, words, medium, expected):
    assert linking.belongs(text, words, medium) is expected


def test_only_unsolved_unlinked_tickets_of_the_time_are_linked(entered, write):
    other = Problem.objects.create(title="Other", opened_at=timezone.now())
    mine = [write("a@example.com"), write(), write("b@example.com", state="pending")]
    theirs = [
        write("c@example.com", state="solved"),
        write("d@example.com", problem=other),
        write("e@example.com", created_at=timezone.now() - timedelta(days=1)),
        write("f@example.com", merged_into=mine[0]),
    ]
    incident = entered()
    late = write("g@example.com", created_at=timezone.now())
    job = link(incident)
    assert set(incident.problem.tickets.all()) == set(mine)
    assert (job.state, job.expanded) == ("sent", 3)
    assert not {ticket.problem_id for ticket in Ticket.objects.filter(pk__in=[t.pk for t in [*theirs, late]])} & {
        incident.problem_id
    }


def test_the_preview_counts_what_the_job_links(asked, maya, write):
    write("a@example.com", subject="Hello", text="The LOGIN page is empty")
    write("b@example.com", subject="Error 500", text="what now")
    write("c@example.com", subject="Invoice", text="where is it")
    shown = mode.preview(asked(words=["login", "500"]), maya)
    assert shown.effects["link"]["tickets"] == link(mode.enter(shown.token, maya)).expanded == 2


TEXTS = (
    "My LOGIN fails", "catalogin", "logins", "error 500!", "order 1500", "a log-in, please", "log  in", "log them in",
    "It can’t be", "E1234登录", "C++ and C#", "a.b", "", "login",
)  # fmt: skip
RULES = (
    ["login"], ["login*"], ["500"], ["log in"], ["can't"], ["登录"], ["c++"], ["*"], ["", "login"],
    ["a|b"], ["a.b", "500"],
)  # fmt: skip


@pytest.mark.parametrize("words", RULES, ids=str)
def test_the_database_and_the_door_find_the_same(write, words):
    for number, text in enumerate(TEXTS):
        write(f"{number}@example.com", subject="", text=text)
    found = linking.matching(frozen.query_of(timezone.now() - timedelta(hours=1), words, timezone.now()))
    said = {ticket.pk: ticket.entries.get().visible for ticket in Ticket.objects.all()}
    assert {ticket.pk for ticket in found} == {pk for pk, text in said.items() if linking.belongs(text, words, "email")}


def test_quotes_of_our_own_words_link_nothing(write):
    quoted = write("a@example.com", subject="Invoice", text="Where is it?\n> We know that the login fails.")
    quoted.entries.update(visible="Where is it?")
    called = write(subject="Asked to be called back", text="Asked on the phone to be called back.")
    now = timezone.now()
    for words in (["login"], ["called"]):
        assert not linking.matching(frozen.query_of(now - timedelta(hours=1), words, now)).exists()
    assert called.medium == "phone"


def test_it_is_linked_in_chunks(entered, write, monkeypatch):
    monkeypatch.setattr(linking, "CHUNK", 2)
    for number in range(5):
        write(f"{number}@example.com")
    incident = entered()
    job = incident.jobs.get(kind=Job.Kind.LINK)
    assert jobs.expand(job.pk, chunks=1)
    assert incident.problem.tickets.count() == 2
    link(incident)
    assert incident.problem.tickets.count() == 5


def receive(ticket: Ticket, created: bool = True) -> Ticket:
    message = SimpleNamespace(subject=ticket.subject, text="words", visible="")
    linking.link_received([SimpleNamespace(ticket=ticket, created=created, message=message)])
    ticket.refresh_from_db()
    return ticket


def test_new_tickets_go_to_the_newest_incident_that_takes_them(entered, write, maya):
    old, new = entered(), entered(title="Payments", link_new=False)
    assert receive(write("a@example.com")).problem == old.problem
    newest = entered(title="Mail")
    assert receive(write("b@example.com")).problem == newest.problem
    mode.leave(newest, maya, "Solved.")
    assert receive(write("c@example.com")).problem == old.problem
    mode.leave(old, maya, "Solved.")
    assert receive(write("d@example.com")).problem is None
    assert new.problem.tickets.count() == 0


def test_two_overlapping_incidents_with_words_each_take_their_own(entered, write):
    logins, payments = entered(words=["login"]), entered(title="Payments", words=["card"])
    assert receive(write("a@example.com", subject="login")).problem == logins.problem
    assert receive(write("b@example.com", subject="my card")).problem == payments.problem
    assert receive(write("c@example.com", subject="other")).problem is None


def test_what_was_written_before_it_began_is_not_linked(entered, write):
    entered()
    assert receive(write("a@example.com", created_at=timezone.now() - timedelta(days=1))).problem is None


def test_a_ticket_that_was_being_written_is_linked_by_the_second_pass(entered, write, monkeypatch):
    if not connection.features.has_select_for_update:
        pytest.skip("SQLite has one writer at a time: nothing is written beside another")
    monkeypatch.setattr(linking, "SETTLE", timedelta(seconds=5))
    first = write("a@example.com")
    incident = entered()
    job = incident.jobs.get(kind=Job.Kind.LINK)
    assert jobs.expand(job.pk)
    job.refresh_from_db()
    assert (job.state, job.due_at > timezone.now()) == ("queued", True)
    # Committed after the first pass, by a transaction that began before there was an incident.
    late = write("b@example.com")
    with time_machine.travel(timezone.now() + timedelta(seconds=6)):
        assert jobs.expand(job.pk)
    job.refresh_from_db()
    assert (job.state, job.expanded) == ("sent", 2)
    assert set(incident.problem.tickets.all()) == {first, late}


def test_a_mail_that_arrives_is_linked_and_acknowledged_with_the_notice(entered, lines):
    incident = entered()
    message = InboundMessage(
        medium="email", happened_at=timezone.now(), sender="new@example.com", subject="Login", text="It fails."
    )
    with transaction.atomic():
        ticket = intake.receive(message, None).ticket
    ticket.refresh_from_db()
    assert ticket.problem == incident.problem
    acknowledgement = Outgoing.objects.get(to="new@example.com")
    assert "We know of it." in acknowledgement.text
    assert Told.objects.filter(requester=ticket.requester, about=incident.updates.get().about).exists()


def test_what_joins_a_ticket_is_not_linked(entered, write):
    entered()
    assert receive(write("a@example.com"), created=False).problem is None


def test_linking_a_new_ticket_costs_one_query_and_one_update(entered, write, django_assert_num_queries):
    entered()
    ticket = write("a@example.com")
    message = SimpleNamespace(subject="", text="", visible="")
    with django_assert_num_queries(2):
        linking.link_received([SimpleNamespace(ticket=ticket, created=True, message=message)])
    Incident.objects.update(left_at=timezone.now())
    other = write("b@example.com")
    with django_assert_num_queries(1):
        linking.link_received([SimpleNamespace(ticket=other, created=True, message=message)])


def test_a_whole_linking_is_undone_and_only_it(entered, write, maya):
    swept = [write("a@example.com"), write("b@example.com")]
    incident = entered()
    job = link(incident)
    by_hand = receive(write("c@example.com"))
    undo = linking.unlink_all(job, maya)
    assert linking.unlink_all(job, maya) == undo
    assert jobs.expand(undo.pk)
    assert list(incident.problem.tickets.all()) == [by_hand]
    assert all(Ticket.objects.get(pk=ticket.pk).problem is None for ticket in swept)
