import pytest
from django.utils import timezone

from tests.house import person
from tests.voice.phone_people import make_agent, wanted
from tickets.models import Problem
from voice import callbacks
from voice.models import Callback, TextMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def room(client):
    client.force_login(person("manager", "Maya"))
    return client


@pytest.fixture
def problem(db):
    return Problem.objects.create(title="Logins fail", opened_at=timezone.now())


def test_a_manager_pauses_and_lets_go_on_and_agents_see_it(room, line, noon):
    wanted(line)
    page = room.post("/callbacks/manage/act/", {"do": "pause", "why": "shift change", "minutes": "30"}, follow=True)
    assert "Callbacks are paused." in page.content.decode()
    assert "shift change" in room.get("/callbacks/").content.decode()
    assert callbacks.next_for(make_agent("bob")) is None
    assert "go on" in room.post("/callbacks/manage/act/", {"do": "resume"}, follow=True).content.decode()
    assert room.post("/callbacks/manage/act/", {"do": "nonsense"}).status_code == 400


def test_an_incidents_callbacks_are_cancelled_after_a_look_and_told_by_text(room, line, problem, noon):
    for number in range(100, 103):
        wanted(line, f"+1201555{number:04d}", problem=problem)
    assert "Logins fail" in room.get("/callbacks/manage/").content.decode()
    page = room.get(f"/callbacks/cancel/{problem.pk}/").content.decode()
    assert "3 callbacks" in page
    assert "3 numbers take texts, 1 minute until all have left" in page
    assert room.post(f"/callbacks/cancel/{problem.pk}/", {"why": " ", "text": "on"}).status_code == 422
    assert Callback.objects.filter(state="cancelled").count() == 0
    done = room.post(f"/callbacks/cancel/{problem.pk}/", {"why": "Resolved", "text": "on"}, follow=True)
    assert "3 callbacks cancelled, 3 told by text." in done.content.decode()
    assert TextMessage.objects.count() == 3


def test_held_callbacks_are_looked_at_and_released(room, line, settings, noon):
    settings.CALLBACKS_PER_PREFIX = 1
    rows = [wanted(line, f"+1201555{number:04d}") for number in range(100, 103)]
    page = room.get("/callbacks/manage/").content.decode()
    assert "Held <span" in page
    assert "at its cap" in page
    assert "A manager looks at it first" in room.get(f"/callbacks/{rows[2].pk}/").content.decode()
    done = room.post("/callbacks/manage/act/", {"do": "release", "pick": [row.pk for row in rows]}, follow=True)
    assert "2 released" in done.content.decode()
    assert "Nothing is held" in done.content.decode()


def test_a_callback_is_handed_to_a_colleague(room, line, noon):
    callback, bob = wanted(line), make_agent("bob")
    assert "Hand over to" in room.get(f"/callbacks/{callback.pk}/").content.decode()
    room.post(f"/callbacks/{callback.pk}/reassign/", {"agent": bob.pk})
    assert callbacks.next_for(bob).pk == callback.pk
    room.post(f"/callbacks/{callback.pk}/reassign/", {"agent": ""})
    callback.refresh_from_db()
    assert callback.agent is None


def test_the_page_costs_the_same_for_one_and_for_many(room, line, problem, settings, django_assert_max_num_queries):
    settings.CALLBACKS_PER_PREFIX = 0
    counts = []
    for number in range(100, 103):
        wanted(line, f"+1201555{number:04d}", problem=problem)
        with django_assert_max_num_queries(40) as context:
            assert room.get("/callbacks/manage/").status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[2]
