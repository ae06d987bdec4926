"""Whoever was signed out loses nothing that they had written, and comes back to the page they were on."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.house import ticket
from tickets.models import Entry
from tickets.signed_out import came_from, written

pytestmark = pytest.mark.django_db


def test_words_that_were_sent_too_late_are_shown_and_nothing_is_done(client: Client) -> None:
    made = ticket()
    page = f"http://testserver{reverse('ticket', args=[made.pk])}?all=1"
    sent = {"text": "Please try <again> now.", "seen": "0", "csrfmiddlewaretoken": "a b"}
    answer = client.post(reverse("ticket_reply", args=[made.pk]), sent, headers={"Referer": page})
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "Please try &lt;again&gt; now.</textarea>" in text
    assert f"/accounts/login/?next=/tickets/{made.pk}/%3Fall%3D1" in text
    assert "a b" not in text
    assert not Entry.objects.exclude(kind=Entry.Kind.MESSAGE).exists()


def test_a_button_leads_back_to_the_page_it_was_on_and_not_to_where_it_was_sent(client: Client) -> None:
    answer = client.post(reverse("take_next"), headers={"Referer": "http://testserver/desk/?view=open"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/desk/%3Fview%3Dopen")
    assert client.get("/desk/?view=open").headers["Location"] == "/accounts/login/?next=/desk/%3Fview%3Dopen"


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("https://desk.example/tickets/3/", "/tickets/3/"),
        ("https://desk.example", "/"),
        ("https://elsewhere.example/tickets/3/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_only_pages_of_ours_are_come_back_to(referer: str, page: str) -> None:
    assert came_from(referer, "desk.example") == page


@pytest.mark.parametrize(
    ("sent", "texts"),
    [
        ({}, []),
        ({"act": ["solve"], "ticket": ["1", "2"]}, []),
        ({"body": ["We are on it."], "status": ["identified"]}, ["We are on it."]),
        ({"password": ["correct horse"], "csrfmiddlewaretoken": ["a b"]}, []),
        ({"say_en": ["We know."], "say_de": ["Wir wissen es."]}, ["We know.", "Wir wissen es."]),
    ],
)
def test_what_has_more_than_one_word_was_written(sent: Any, texts: list[str]) -> None:
    assert written(sent) == texts
