"""Assigning, linking, solving, reopening, and taking it back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.house import person, problem, ticket
from tickets.desk import acts
from tickets.models import AuditEntry, Entry, Problem, Ticket

pytestmark = pytest.mark.django_db

ACTS: dict[str, Callable[[list[int], Any], acts.Undo]] = {
    "assign": lambda ids, by: acts.assign(ids, by, by),
    "release": lambda ids, by: acts.assign(ids, None, by),
    "link": lambda ids, by: acts.link(ids, Problem.objects.get(), by),
    "solve": lambda ids, by: acts.solve(ids, by),
}
_KEPT = ("state", "assignee_id", "problem_id", "waiting_since", "solved_at")


def _state(pk: int) -> dict[str, Any]:
    return Ticket.objects.values(*_KEPT).get(pk=pk)


@pytest.mark.parametrize("act", ACTS)
def test_an_act_changes_each_ticket_says_so_on_it_and_can_be_taken_back(act: str) -> None:
    agent, other = person(), person()
    problem()
    made = [ticket(waiting=9, assignee=other), ticket(waiting=4, assignee=other)]
    before = [_state(one.pk) for one in made]
    done = ACTS[act]([one.pk for one in made], agent)
    assert len(done.before) == 2
    assert all(_state(one.pk) != was for one, was in zip(made, before, strict=True))
    for one in made:
        assert one.entries.get(kind=Entry.Kind.EVENT).author == agent
    assert AuditEntry.objects.filter(by=agent, action=f"ticket.{done.act}").count() == 1
    assert acts.undo(done.as_json(), agent) == 2
    assert [_state(one.pk) for one in made] == before


def test_undo_leaves_alone_what_somebody_touched_since() -> None:
    mia, ben = person(), person()
    first, second = ticket(), ticket()
    done = acts.assign([first.pk, second.pk], mia, mia)
    acts.assign([second.pk], ben, ben)
    assert acts.undo(done.as_json(), mia) == 1
    assert _state(first.pk)["assignee_id"] is None
    assert _state(second.pk)["assignee_id"] == ben.pk


def test_an_act_that_changes_nothing_offers_no_undo(client: Client) -> None:
    agent = person()
    made = ticket(assignee=agent)
    assert acts.assign([made.pk], agent, agent).before == {}
    assert not made.entries.filter(kind=Entry.Kind.EVENT).exists()


def test_reopening_starts_the_wait_anew() -> None:
    agent, made = person(), ticket()
    acts.solve([made.pk], agent)
    assert acts.reopen([made.pk], agent) == 1
    state = _state(made.pk)
    assert (state["state"], state["solved_at"]) == ("open", None)
    assert state["waiting_since"] is not None


def test_undo_is_offered_on_lists_and_on_the_ticket_itself_only(client: Client) -> None:
    client.force_login(person())
    solved, other = ticket(), ticket()
    client.post(reverse("ticket_act", args=[solved.pk]), {"act": "solve"})
    shown = {
        url: "1 ticket solved." in client.get(url).content.decode()
        for url in (reverse("queue"), *(reverse("ticket", args=[one.pk]) for one in (solved, other)))
    }
    assert list(shown.values()) == [True, True, False]


def _choose(client: Client, act: str, **more: Any) -> Any:
    return client.post(reverse("bulk"), {"act": act, "view": "unassigned", **more})


def test_a_bulk_action_is_shown_before_it_is_done_and_undone_by_one_button(client: Client) -> None:
    agent = person()
    client.force_login(agent)
    made = [ticket(f"Nummer {n}") for n in range(3)]
    shown = _choose(client, "solve", ticket=[one.pk for one in made[:2]])
    assert "Nummer 0" in shown.content.decode()
    assert "Nummer 2" not in shown.content.decode()
    assert Ticket.objects.filter(state="solved").count() == 0
    page = client.post(reverse("bulk_do"), {"act": "solve", "ids": shown.context["ids"]}, follow=True)
    assert Ticket.objects.filter(state="solved").count() == 2
    assert "2 tickets solved." in page.content.decode()
    token = client.session["undo"]["token"]
    client.post(reverse("undo"), {"token": token})
    assert Ticket.objects.filter(state="solved").count() == 0
    assert "nothing to undo" in client.post(reverse("undo"), {"token": token}, follow=True).content.decode()


def test_all_that_match_are_meant_up_to_the_bound_and_more_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "BOUND", 3)
    client.force_login(person())
    made = [ticket() for _ in range(3)]
    ticket(assignee=person())
    shown = _choose(client, "assign", all="1")
    assert {int(pk) for pk in shown.context["ids"].split(",")} == {one.pk for one in made}
    ticket()
    answer = client.post(reverse("bulk"), {"act": "assign", "view": "unassigned", "all": "1"}, follow=True)
    assert "More than 3 tickets match" in answer.content.decode()


def test_linking_in_bulk_may_name_a_new_problem(client: Client) -> None:
    client.force_login(person())
    made = ticket()
    nothing = client.post(reverse("bulk_do"), {"act": "link", "ids": str(made.pk)})
    assert nothing.status_code == 422
    assert "Choose a problem" in nothing.content.decode()
    client.post(reverse("bulk_do"), {"act": "link", "ids": str(made.pk), "title": "Invoices doubled"})
    made.refresh_from_db()
    assert made.problem is not None
    assert made.problem.title == "Invoices doubled"


def test_bulk_acts_take_as_many_queries_for_ten_as_for_two(django_assert_max_num_queries: Any) -> None:
    agent = person()
    few, many = [ticket().pk for _ in range(2)], [ticket().pk for _ in range(10)]
    with CaptureQueriesContext(connection) as small:
        acts.solve(few, agent)
    with django_assert_max_num_queries(len(small)):
        acts.solve(many, agent)
