"""Pages that say what went wrong speak the reader's language and lead somewhere."""

from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.test import Client, RequestFactory

from tests.house import person
from triage import error_pages

NOTHING = "/nothing/here/"


@pytest.mark.parametrize(
    ("asked", "language", "said"),
    [
        ("de-AT,en;q=0.5", "de", "Unter dieser Adresse gibt es nichts"),
        ("fr,en;q=0.5", "en", "There is nothing at this address"),
        ("", "en", "There is nothing at this address"),
    ],
)
def test_an_address_with_nothing_says_so_in_the_readers_language(
    client: Client, asked: str, language: str, said: str
) -> None:
    answer = client.get(NOTHING, headers={"Accept-Language": asked})
    page = answer.content.decode()
    assert answer.status_code == 404
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
    assert f'<html lang="{language}"' in page
    assert f"<h1>{said}</h1>" in page


def test_whoever_finds_nothing_can_go_on_from_there(client: Client) -> None:
    page = client.get(NOTHING).content.decode()
    assert all(f'href="{way}"' in page for way in ("/help/", "/status/", "/desk/"))


@pytest.mark.urls("triage.front_urls")
def test_the_front_says_it_as_well(client: Client) -> None:
    page = client.get(NOTHING, headers={"Accept-Language": "de"}).content.decode()
    assert "Unter dieser Adresse gibt es nichts" in page


@pytest.mark.django_db
def test_a_page_of_another_role_says_who_one_is(client: Client) -> None:
    agent = person("agent")
    client.force_login(agent)
    answer = client.get("/people/", headers={"Accept-Language": "de"})
    assert answer.status_code == 403
    assert "Das gehört nicht zu Ihrer Rolle" in answer.content.decode()
    assert str(agent) in answer.content.decode()


@pytest.mark.django_db
def test_a_form_whose_token_does_not_hold_is_answered_in_the_readers_language() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", headers={"Accept-Language": "de"})
    assert answer.status_code == 403
    assert "Diese Seite war zu lange offen" in answer.content.decode()


def test_what_cannot_be_understood_is_answered_in_the_readers_language(rf: RequestFactory) -> None:
    answer = error_pages.bad_request(rf.get("/", headers={"Accept-Language": "de"}), BadRequest())
    assert answer.status_code == 400
    assert "Diese Anfrage war nicht zu verstehen" in answer.content.decode()


def test_a_fault_of_ours_is_told_in_the_readers_language_without_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("as planned")

    # No mark lets this test reach the database: it fails if the page tries.
    monkeypatch.setattr("tickets.channels.web_form._answer", broken)
    client.raise_request_exception = False
    answer = client.get("/help/", headers={"Accept-Language": "de"})
    assert answer.status_code == 500
    assert answer.headers["Content-Language"] == "de"
    assert "<h1>Bei uns ist etwas fehlgeschlagen</h1>" in answer.content.decode()
