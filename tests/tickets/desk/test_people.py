"""Roles, invitations and sign-in."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.house import PASSWORD, person, ticket
from tickets.desk import invitations, people
from tickets.models import AuditEntry, Invitation
from tickets.roles import Power, powers_of

pytestmark = pytest.mark.django_db

JOIN = {"name": "Kim Park", "email": "Kim@Example.com", "password": "a long enough one"}


def test_people_sign_in_by_name_or_address_and_nobody_signs_up(client: Client) -> None:
    agent = person()
    for login in (agent.username, agent.email):
        answer = client.post(reverse("account_login"), {"login": login, "password": PASSWORD})
        assert answer.headers["Location"] == reverse("queue")
        client.logout()
    client.post(reverse("account_signup"), {"email": "x@example.com", "username": "x", "password1": PASSWORD})
    assert not type(agent).objects.filter(username="x").exists()


def test_a_wrong_password_says_so_and_keeps_the_name(client: Client) -> None:
    agent = person()
    answer = client.post(reverse("account_login"), {"login": agent.username, "password": "wrong"})
    page = answer.content.decode()
    assert 'class="errors"' in page
    assert f'value="{agent.username}"' in page


def test_pages_do_not_mix_languages(client: Client) -> None:
    answer = client.post(reverse("account_login"), {"login": "x", "password": ""}, headers={"Accept-Language": "de"})
    assert "This field is required." in answer.content.decode()


def test_demo_accounts_exist_and_are_shown_in_a_demo_only(client: Client, settings) -> None:
    login = reverse("account_login")
    assert people.DEMO_PASSWORD not in client.get(login).content.decode()
    with pytest.raises(RuntimeError):
        people.make_demo_people()
    settings.DEMO = True
    made = people.make_demo_people()
    assert people.make_demo_people() == made
    assert people.DEMO_PASSWORD in client.get(login).content.decode()
    for account in people.demo_accounts():
        assert client.login(username=account["username"], password=account["password"])


def test_an_invitation_makes_one_helper(client: Client) -> None:
    manager = person("manager")
    client.force_login(manager)
    page = client.post(reverse("invitations"), {"note": "Kim from sales", "hours": "8"})
    link = page.context["link"]
    assert link.startswith(django_settings.PUBLIC_URL)
    path = link.removeprefix(django_settings.PUBLIC_URL)
    token = path.split("/")[2]
    assert not Invitation.objects.filter(digest__contains=token).exists()
    assert token not in client.get(reverse("invitations")).content.decode()
    stranger = Client()
    assert "Join in" in stranger.get(path).content.decode()
    assert stranger.post(path, JOIN).headers["Location"] == reverse("queue")
    kim = Invitation.objects.get().used_by
    assert kim is not None
    assert (kim.email, kim.get_full_name()) == ("kim@example.com", "Kim Park")
    assert powers_of(kim) == {Power.ANSWER_TICKETS}
    assert Client().get(path).status_code == 410
    assert Client().post(path, {**JOIN, "email": "other@example.com"}).status_code == 410
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["invitation.make", "invitation.accept"]


def test_an_invitation_ends_by_time_by_hand_and_with_who_made_it(client: Client) -> None:
    manager, administrator = person("manager"), person("administrator")
    invitation, token = invitations.invite(manager)
    path = reverse("invite", args=[token])
    assert client.get(path).status_code == 200
    with time_machine.travel(timezone.now() + invitations.LASTS + timedelta(seconds=1)):
        assert client.get(path).status_code == 410
    people.deactivate(manager, administrator)
    assert client.get(path).status_code == 410
    people.reactivate(manager, administrator)
    assert client.get(path).status_code == 200
    assert invitations.withdraw(invitation, administrator)
    assert client.get(path).status_code == 410
    assert client.get(reverse("invite", args=["x"])).status_code == 410


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "short"}, "too short"),
        ({"email": "not an address"}, "valid email"),
        ({"email": "taken@example.com"}, "already"),
        ({"name": ""}, "required"),
    ],
)
def test_a_mistake_while_joining_is_named_and_the_rest_kept(client: Client, wrong: dict[str, str], words: str) -> None:
    taken = person("agent")
    taken.email = "taken@example.com"
    taken.save()
    _, token = invitations.invite(person("manager"))
    answer = client.post(reverse("invite", args=[token]), {**JOIN, **wrong})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert ("Kim Park" in answer.content.decode()) == ("name" not in wrong)
    assert Invitation.objects.get().used_at is None


def test_a_manager_invites_helpers_only(client: Client) -> None:
    client.force_login(person("manager"))
    assert client.post(reverse("invitations"), {"hours": "8", "role": "administrator"}).status_code == 403
    assert not Invitation.objects.exists()
    client.force_login(person("administrator"))
    client.post(reverse("invitations"), {"hours": "8", "role": "agent"})
    assert Invitation.objects.get().role == "agent"


def test_roles_change_and_the_last_administrator_stays(client: Client) -> None:
    boss, agent = person("administrator"), person("agent")
    client.force_login(boss)
    client.post(reverse("person", args=[agent.pk]), {"role": "manager"})
    assert list(agent.groups.values_list("name", flat=True)) == ["manager"]
    for data in ({"role": "agent"}, {"act": "deactivate"}):
        answer = client.post(reverse("person", args=[boss.pk]), data, follow=True)
        assert "make somebody else one first" in answer.content.decode()
    boss.refresh_from_db()
    assert boss.is_active
    assert list(boss.groups.values_list("name", flat=True)) == ["administrator"]
    person("administrator")
    people.set_role(boss, "agent", agent)
    assert Power.MANAGE_PEOPLE not in powers_of(type(boss).objects.get(pk=boss.pk))


def test_who_is_locked_out_is_out_at_once_and_their_tickets_are_free(client: Client) -> None:
    boss, agent = person("administrator"), person("agent")
    made = ticket(assignee=agent)
    client.force_login(agent)
    assert client.get(reverse("queue")).status_code == 200
    people.deactivate(agent, boss)
    assert client.get(reverse("queue")).status_code == 302
    made.refresh_from_db()
    assert made.assignee is None


def test_the_list_of_people_costs_a_constant_number_of_queries(client: Client, django_assert_num_queries) -> None:
    client.force_login(person("administrator"))
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("people"))
    for _ in range(3):
        invitations.invite(person("manager"))
    with django_assert_num_queries(len(one)):
        client.get(reverse("people"))


def test_the_mail_for_a_new_password_is_in_our_words(client: Client, mailoutbox: list[EmailMessage]) -> None:
    agent = person()
    for address in (agent.email, "nobody@example.org"):
        assert client.post(reverse("account_reset_password"), {"email": address}).status_code == 302
    known, unknown = mailoutbox
    assert (known.subject, unknown.subject) == ("Set a new password", "There is no account with this address")
    assert "/accounts/password/reset/key/" in known.body
    assert "/accounts/password/reset/key/" not in unknown.body
