"""The API opens tickets once, answers errors as problem details, and asks for a token and its power."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError

from tickets import intake, journal
from tickets.models import ApiToken, Arrival

pytestmark = pytest.mark.django_db
BODY = {
    "requester": {"email": "Jo@example.org", "name": "Jo"},
    "subject": "Login",
    "message": "It fails.",
    "language": "de",
}


@pytest.fixture
def token(agent) -> str:
    out = StringIO()
    call_command("api_token", "shop", "--user", "ADA@acme.example", stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def post(client, token):
    def send(body=BODY, key=None, **headers):
        headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {}), **headers}
        data = body if isinstance(body, str) else json.dumps(body)
        return client.post("/api/v1/tickets/", data, content_type="application/json", headers=headers)

    return send


def is_problem(response, status: int) -> dict:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert problem["status"] == status
    assert problem["title"]
    return problem


def test_only_the_digest_of_a_token_is_kept(token):
    assert token not in str(ApiToken.objects.values().get())
    with pytest.raises(CommandError):
        call_command("api_token", "x", "--user", "nobody@acme.example")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic abc", "Bearer ä"])
def test_without_a_valid_token_nothing_is_stored(post, header):
    problem = is_problem(post(Authorization=header), 401)
    assert problem["detail"]
    assert not Arrival.objects.exists()


def test_a_revoked_token_and_a_person_without_the_power_are_refused(post, agent):
    agent.groups.clear()
    is_problem(post(), 403)
    User.objects.update(is_active=False)
    is_problem(post(), 401)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BODY, "requester": {"email": "nobody"}}, "requester"),
        ({**BODY, "message": ""}, "message"),
        ({**BODY, "subject": "x" * 301}, "subject"),
        ({**BODY, "language": "not a language"}, "language"),
        ({}, "requester"),
    ],
)
def test_a_mistake_is_named_at_its_field(post, body, field):
    assert field in is_problem(post(body), 400)["errors"]
    assert not Arrival.objects.exists()


def test_what_is_not_json_is_refused_in_one_line(post, client, token):
    is_problem(post("{nonsense"), 400)
    is_problem(post("[]"), 400)
    auth = {"Authorization": f"Bearer {token}"}
    is_problem(client.post("/api/v1/tickets/", "x", content_type="text/plain", headers=auth), 415)
    is_problem(client.get("/api/v1/tickets/", headers=auth), 405)
    is_problem(client.get("/api/v1/tickets/999/", headers=auth), 404)
    is_problem(client.get("/api/v1/tickets/-1/"), 404)
    is_problem(client.post("/api/v2/anything"), 404)


def test_what_cannot_be_kept_is_to_be_sent_again(post, monkeypatch):
    def refuse(incoming):
        raise journal.NotKept("disk full")

    monkeypatch.setattr(journal, "accept", refuse)
    response = post()
    is_problem(response, 503)
    assert response["Retry-After"]


def test_what_is_spooled_is_accepted(post, monkeypatch):
    monkeypatch.setattr(journal, "_store_here", lambda record: None)
    response = post(key="one")
    assert response.status_code == 202
    assert response.json()["status"] == "accepted"
    assert post(key="one").json() == response.json()


def test_a_ticket_is_shown_without_its_internal_notes(client, token, open_ticket):
    ticket = open_ticket()
    ticket.entries.create(kind="note", text="he is difficult", happened_at=ticket.created_at)
    shown = client.get(f"/api/v1/tickets/{ticket.pk}/", headers={"Authorization": f"Bearer {token}"}).json()
    assert (shown["id"], shown["subject"], shown["state"]) == (ticket.pk, "Cannot log in", "open")
    assert [entry["text"] for entry in shown["entries"]] == ["It fails."]


def test_the_schema_is_there_for_everybody(client):
    text = client.get("/api/v1/schema/").content.decode()
    assert "/api/v1/tickets/" in text
    assert "Idempotency-Key" in text


def test_a_post_is_a_ticket_at_once_and_its_repetition_the_same_one(post):
    first = post(key="order-7")
    assert first.status_code == 201
    shown = first.json()
    assert (shown["subject"], shown["language"], shown["state"]) == ("Login", "de", "open")
    assert [entry["kind"] for entry in shown["entries"]] == ["message", "automatic"]
    again = post(key="order-7")
    assert (again.status_code, again.json()["id"]) == (200, shown["id"])
    assert post(key="order-8").json()["id"] != shown["id"]
    assert Arrival.objects.count() == 2


def test_without_a_key_every_post_is_a_ticket_of_its_own(post):
    assert post().json()["id"] != post().json()["id"]


def test_a_key_with_another_content_is_refused(post):
    post(key="order-7")
    is_problem(post({**BODY, "message": "Something else."}, key="order-7"), 422)
    assert Arrival.objects.count() == 1


def test_two_tokens_may_use_the_same_key(post, agent):
    post(key="order-7")
    out = StringIO()
    call_command("api_token", "other", "--user", agent.email, stdout=out)
    assert post(key="order-7", Authorization=f"Bearer {out.getvalue().strip()}").status_code == 201


def test_what_waits_to_be_understood_is_accepted(post, monkeypatch):
    def away(arrival):
        raise OperationalError("database away")

    monkeypatch.setitem(intake._readers, "api", away)
    response = post(key="order-7")
    assert (response.status_code, response.json()["status"]) == (202, "accepted")
    monkeypatch.undo()
    assert post(key="order-7").status_code == 200
    assert Arrival.objects.get().state == "understood"
