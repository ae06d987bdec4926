"""Walks every address there is: who gets in, who does not, and that none is open by accident."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.house import person, ticket
from tickets import blobs
from tickets.desk import conversation, invitations
from tickets.models import Arrival, Attachment
from tickets.roles import ROLES, Power
from voice.models import Download

pytestmark = pytest.mark.django_db

# Sign-in is allauth's: these answer anybody, the others of its pages send anonymous people away to sign in.
ALLAUTH_OPEN = {
    "account_confirm_email",
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_signup",
}
ALLAUTH_SIGNED_IN = {
    "account_change_password",
    "account_email",
    "account_reauthenticate",
    "account_set_password",
    "mfa_activate_totp",
    "mfa_authenticate",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_view_recovery_codes",
}
# Takes posts from anybody: the public form. Every other view without CSRF protection proves its sender.
OPEN_POSTS = {"help", "subscribe"}
# All that somebody who was invited to help may call.
HELPERS = {
    "attachment",
    "download_again",
    "original",
    "formatted",
    "read_again",
    "queue",
    "queue_news",
    "reply_decide",
    "state",
    "take_next",
    "ticket",
    "ticket_act",
    "ticket_live",
    "ticket_note",
    "ticket_reply",
    "undo",
}


def _walk(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        yield from _walk(pattern) if isinstance(pattern, URLResolver) else [pattern]


def _patterns(urlconf: str) -> dict[str, URLPattern]:
    found = {}
    for pattern in _walk(get_resolver(urlconf)):
        assert pattern.name, f"{pattern.pattern} has no name"
        found[pattern.name] = pattern
    return found


DESK, FRONT = _patterns("triage.urls"), _patterns("triage.front_urls")
ALLAUTH = {name for name, pattern in DESK.items() if pattern.callback.__module__.startswith("allauth.")}
OURS = sorted(DESK.keys() - ALLAUTH)
# The API knows tokens, and nobody by their session; what a token may do is told in tests/tickets/channels.
API = [name for name in OURS if name.startswith("api_") and DESK[name].callback.needs is not None]
GUARDED = [name for name in OURS if getattr(DESK[name].callback, "needs", None) is not None and name not in API]
EXEMPT = [name for name in OURS if getattr(DESK[name].callback, "csrf_exempt", False) and name not in OPEN_POSTS]


def _url(name: str, samples: dict[str, dict[str, Any]] | None = None) -> str:
    known = (samples or {}).get(name, {})
    kinds = DESK[name].pattern.converters
    fill = {"IntConverter": 1, "UUIDConverter": "00000000-0000-0000-0000-000000000000"}
    values = {key: fill.get(type(kind).__name__, "x") for key, kind in kinds.items()}
    return reverse(name, kwargs={**values, **known})


@pytest.fixture
def samples() -> dict[str, dict[str, Any]]:
    """Objects behind the addresses that need one."""
    agent, made = person("agent"), ticket()
    entry = made.entries.get()
    row = conversation.reply(made, agent, "Hello", solve=False, seen=entry.pk)
    file = Attachment.objects.create(entry=entry, name="a.txt", content_type="text/plain", size=1, blob=blobs.put(b"a"))
    download = Download.objects.create(entry=entry, sid="RE1", name="Voicemail", due_at=entry.happened_at)
    invitation, token = invitations.invite(agent)
    of_ticket = {name: {"pk": made.pk} for name in OURS if name == "ticket" or name.startswith("ticket_")}
    return of_ticket | {
        "attachment": {"pk": file.pk},
        "original": {"pk": entry.pk},
        "formatted": {"pk": entry.pk},
        "read_again": {"pk": entry.pk},
        "download_again": {"pk": download.pk},
        "reply_decide": {"pk": row.pk},
        "person": {"pk": agent.pk},
        "invitation_withdraw": {"pk": invitation.pk},
        "invite": {"token": token},
    }


def _sent_to_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login/")


def _ask(client: Client, url: str) -> list[HttpResponse]:
    """The answers to GET and POST, without those that say that this method is not for this address."""
    answers = [client.get(url), client.post(url)]
    return [answer for answer in answers if answer.status_code != 405]


@pytest.mark.parametrize("name", OURS)
def test_every_view_says_which_power_it_needs(name: str) -> None:
    assert hasattr(DESK[name].callback, "needs"), "decorate it with roles.needs(…) or roles.public"


def test_the_pages_of_sign_in_are_known() -> None:
    assert ALLAUTH == ALLAUTH_OPEN | ALLAUTH_SIGNED_IN


@pytest.mark.parametrize("name", sorted(ALLAUTH_SIGNED_IN))
def test_ones_own_account_needs_sign_in(name: str, client: Client) -> None:
    assert all(_sent_to_sign_in(answer) for answer in _ask(client, _url(name)))


@pytest.mark.parametrize("name", sorted(FRONT))
def test_front_serves_only_what_is_meant_for_everybody(name: str) -> None:
    assert getattr(FRONT[name].callback, "needs", "nothing said") is None


@pytest.mark.parametrize("name", GUARDED)
def test_nobody_gets_in_without_signing_in(name: str, client: Client, samples: dict[str, dict[str, Any]]) -> None:
    answers = _ask(client, _url(name, samples))
    assert answers
    assert all(_sent_to_sign_in(answer) for answer in answers)


@pytest.mark.parametrize("name", GUARDED)
def test_each_role_gets_what_its_powers_say(name: str, client: Client, samples: dict[str, dict[str, Any]]) -> None:
    power, url = DESK[name].callback.needs, _url(name, samples)
    for role, powers in ROLES.items():
        client.force_login(person(role))
        if power not in powers:
            answers = _ask(client, url)
            assert answers, role
            assert {answer.status_code for answer in answers} == {403}, role
        else:
            answer = client.get(url)
            assert answer.status_code != 403, role
            assert not _sent_to_sign_in(answer), role


@pytest.mark.parametrize("name", API)
def test_the_api_wants_a_token_whoever_is_signed_in(name: str, client: Client) -> None:
    assert {answer.status_code for answer in _ask(client, _url(name))} == {401}
    client.force_login(person("administrator"))
    assert {answer.status_code for answer in _ask(client, _url(name))} == {401}


def test_somebody_without_a_role_gets_nowhere(client: Client, samples: dict[str, dict[str, Any]]) -> None:
    client.force_login(person("nothing"))
    for name in GUARDED:
        assert {answer.status_code for answer in _ask(client, _url(name, samples))} == {403}, name


def test_helpers_answer_tickets_and_nothing_else() -> None:
    assert {name for name in GUARDED if DESK[name].callback.needs == Power.ANSWER_TICKETS} == HELPERS


@pytest.mark.parametrize("name", EXEMPT)
def test_a_post_that_proves_nothing_is_refused_and_leaves_no_trace(name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(_url(name), {"CallSid": "CA" + "0" * 32, "From": "+15005550006"})
    assert answer.status_code in (401, 403, 404, 405)
    assert not Arrival.objects.exists()


@pytest.mark.parametrize("name", [name for name in OURS if name not in EXEMPT])
def test_a_post_from_elsewhere_changes_nothing(name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("administrator"))
    if name not in OPEN_POSTS:
        assert client.post(_url(name)).status_code in (403, 405)
