"""Search: by number, reference, person and words."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.house import person, ticket
from tickets.channels import web_form
from tickets.desk import search
from tickets.models import Arrival

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "words", ["Amir@rahimi.example", "amir@rah", "#{pk}", "{pk}", "calendar", "LOAD calendar", "Rahimi"]
)
def test_a_ticket_is_found_by_number_address_and_words(words: str) -> None:
    made = ticket("Calendar does not load", address="amir@rahimi.example", name="Amir Rahimi")
    ticket("Something else", address="jo@example.org")
    assert search.find(words.format(pk=made.pk)) == [made]


@pytest.mark.parametrize("words", ["+442079460812", "+44 20 7946 0812", "020 7946 0812", "(020) 7946-0812"])
def test_a_ticket_is_found_by_phone_number_however_it_is_written(words: str) -> None:
    made = ticket(address="+442079460812")
    ticket(address="+442079460813")
    assert search.find(words) == [made]


@pytest.mark.parametrize("words", ["", "   ", "nothing like it", "%", "_" * 9, "#", "9" * 30, "\x00"])
def test_what_matches_nothing_finds_nothing(words: str) -> None:
    ticket()
    assert search.find(words) == []


def test_the_search_page_says_what_to_do_where_nothing_is_found(client: Client) -> None:
    client.force_login(person())
    assert "Nothing found for “zzz”" in client.get(reverse("search"), {"q": "zzz"}).content.decode()
    assert "Find a ticket" in client.get(reverse("search")).content.decode()


def _queries(client: Client, url: str, **query: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, query).status_code == 200
    return len(captured)


def test_results_cost_a_constant_number_of_queries(client: Client) -> None:
    client.force_login(person())
    ticket("Calendar")
    one = _queries(client, reverse("search"), q="calendar")
    for _ in range(3):
        ticket("Calendar", assignee=person())
    assert _queries(client, reverse("search"), q="calendar") == one


@pytest.mark.parametrize("shape", [str.upper, str.lower])
def test_a_ticket_is_found_by_the_reference_that_the_web_form_gave(shape: Any) -> None:
    made, other = ticket(), ticket()
    for one, key in ((made, "one"), (other, "two")):
        reference = web_form.reference_of(key)
        Arrival.objects.filter(pk=one.entries.get().arrival_id).update(
            channel="web_form", key=key, payload={"reference": reference}
        )
    assert search.find(shape(web_form.reference_of("one"))) == [made]
    assert search.find("aaaa-aaaa") == []
