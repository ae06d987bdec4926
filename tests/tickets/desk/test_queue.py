"""The queue: order, views, paging, and taking the next one."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.house import person, problem, ticket
from tickets.desk import queue
from tickets.models import AuditEntry, Ticket

pytestmark = pytest.mark.django_db


def test_the_longest_waiting_comes_first_and_views_hold_what_they_say() -> None:
    agent, logins = person(), problem()
    short, long = ticket(waiting=5), ticket(waiting=50)
    mine = ticket(waiting=20, assignee=agent, problem=logins)
    ticket(waiting=9, state=Ticket.State.PENDING)
    solved = ticket(state=Ticket.State.SOLVED, waiting_since=None, solved_at=timezone.now())
    ticket(waiting=99, merged_into=short)

    def rows(view: str, of: int | None = None) -> list[Ticket]:
        return queue.page_of(queue.tickets_in(view, agent, of), view).rows

    assert rows("unassigned") == [long, short]
    assert rows("mine") == [mine]
    assert rows("open") == [long, mine, short]
    assert rows("open", logins.pk) == [mine]
    assert rows("solved") == [solved]


@pytest.mark.parametrize("view", ["unassigned", "solved"])
def test_pages_cover_every_ticket_once_forth_and_back(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PAGE", 3)
    same = timezone.now() - timedelta(minutes=7)
    for n in range(8):
        made = ticket(waiting=n)
        # Several of the very same time: the id breaks the tie.
        when = same if n % 2 else same - timedelta(minutes=n)
        states = {"state": "solved", "solved_at": when, "waiting_since": None} if view == "solved" else {}
        Ticket.objects.filter(pk=made.pk).update(**(states or {"waiting_since": when}))
    agent = person()
    field = "-solved_at" if view == "solved" else "waiting_since"
    every = list(Ticket.objects.order_by(field, "-pk" if view == "solved" else "pk").values_list("pk", flat=True))
    tickets = queue.tickets_in(view, agent)
    pages = [queue.page_of(tickets, view)]
    while pages[-1].older:
        pages.append(queue.page_of(tickets, view, after=pages[-1].older))
    assert [row.pk for page in pages for row in page.rows] == every
    assert not pages[0].newer
    back = queue.page_of(tickets, view, before=pages[-1].newer)
    assert [row.pk for row in back.rows] == [row.pk for row in pages[-2].rows]


@pytest.mark.parametrize("cursor", ["x", "2026-01-01,1", "2026-01-01T00:00:00+00:00,x", ",", "9" * 400])
def test_a_cursor_that_makes_no_sense_is_the_first_page(cursor: str) -> None:
    made = ticket()
    assert queue.page_of(queue.tickets_in("open", None), "open", after=cursor).rows == [made]


def test_counting_stops_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "COUNTED", 3)
    for _ in range(3):
        ticket()
    assert queue.how_many(Ticket.objects.all()) == "3"
    ticket()
    assert queue.how_many(Ticket.objects.all()) == "3+"


def test_the_next_one_is_the_longest_waiting_and_nobody_else_gets_it(client: Client) -> None:
    mia, ben = person(), person()
    first, second = ticket(waiting=9), ticket(waiting=3)
    assert queue.take_next(mia) == first
    assert queue.take_next(ben) == second
    assert queue.take_next(ben) is None
    first.refresh_from_db()
    assert first.assignee == mia
    assert AuditEntry.objects.filter(action="ticket.take", by=mia, target=f"ticket:{first.pk}").exists()
    client.force_login(ben)
    answer = client.post(reverse("take_next"), follow=True)
    assert "Nobody is waiting" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_agents_who_ask_at_once_never_get_the_same() -> None:
    people, made = [person() for _ in range(4)], [ticket(waiting=n) for n in range(12)]
    got: list[int] = []

    def work(who: object) -> None:
        try:
            while (one := queue.take_next(who)) is not None:
                got.append(one.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[who]) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(one.pk for one in made)


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("view", ["mine", "unassigned", "open", "solved"])
def test_a_page_of_many_rows_costs_as_many_queries_as_one_of_one(client: Client, view: str) -> None:
    agent = person()
    client.force_login(agent)

    def add() -> None:
        values = {"state": "solved", "solved_at": timezone.now(), "waiting_since": None} if view == "solved" else {}
        ticket(assignee=None if view == "unassigned" else agent, problem=problem(), **values)

    add()
    url = f"{reverse('queue')}?view={view}"
    one = _queries(client, url)
    for _ in range(3):
        add()
    assert _queries(client, url) == one


def test_the_live_part_appends_what_joined_and_says_what_became_of_the_rest(client: Client) -> None:
    mia, agent = person(name="Mia Kern"), person()
    client.force_login(agent)
    here, taken = ticket("First", waiting=9), ticket("Second", waiting=8)
    page = client.get(reverse("queue")).context
    joined = ticket("Third", waiting=1)
    Ticket.objects.filter(pk=taken.pk).update(assignee=mia)
    asked = {"view": "unassigned", "shown": page["shown"], "newest": page["newest"], "last": "1"}
    answer = client.get(reverse("queue_news"), asked).content.decode()
    assert f'id="ticket-{joined.pk}"' in answer
    assert f'id="ticket-{here.pk}"' not in answer
    assert "Mia Kern" in answer
    assert f'value="{here.pk},{taken.pk},{joined.pk}"' in answer


def test_a_full_page_is_not_moved_but_told_how_many_are_new(client: Client) -> None:
    client.force_login(person())
    old = ticket(waiting=9)
    fresh = ticket(waiting=1)
    asked = {"view": "unassigned", "shown": str(old.pk), "newest": str(old.pk)}
    answer = client.get(reverse("queue_news"), asked).content.decode()
    assert "1 new request<" in answer
    assert f'id="ticket-{fresh.pk}"' not in answer


def test_a_poll_costs_no_rendering_while_nothing_changed(client: Client) -> None:
    client.force_login(person())
    ticket()
    with time_machine.travel(timezone.now(), tick=False):
        first = client.get(reverse("queue_news"))
        again = client.get(reverse("queue_news"), headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
