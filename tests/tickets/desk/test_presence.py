"""Who else has a ticket open."""

import time

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.house import person, ticket
from tickets.desk import presence

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


def test_colleagues_see_each_other_for_as_long_as_their_pages_ask() -> None:
    mia, ben = person(name="Mia Kern"), person(name="Ben Roe")
    now = time.time()
    with time_machine.travel(now, tick=False):
        assert presence.arrive(7, mia)
        assert presence.arrive(7, ben)
        assert not presence.arrive(7, ben)
        assert presence.others(7, mia) == ["Ben Roe"]
        assert presence.others(8, mia) == []
    with time_machine.travel(now + presence.LASTS + 1, tick=False):
        assert presence.others(7, mia) == []


def test_an_open_page_learns_of_a_newcomer_by_its_next_poll(client: Client, django_capture_on_commit_callbacks) -> None:
    mia, ben, made = person(name="Mia Kern"), person(name="Ben Roe"), ticket()
    url = reverse("ticket_live", args=[made.pk])
    client.force_login(mia)
    first = client.get(url)
    assert "Ben Roe" not in first.content.decode()
    colleague = Client()
    colleague.force_login(ben)
    with django_capture_on_commit_callbacks(execute=True):
        assert "Mia Kern" in colleague.get(url).content.decode()
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert "Ben Roe" in again.content.decode()
    assert "Ben Roe" in client.get(reverse("ticket", args=[made.pk])).content.decode()


def test_pages_work_while_the_cache_is_away(client: Client, settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    client.force_login(person())
    made = ticket()
    assert client.get(reverse("ticket", args=[made.pk])).status_code == 200
    assert client.get(reverse("ticket_live", args=[made.pk])).status_code == 200
