"""People who work here: roles, and sign-in without sign-up."""

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tickets import audit
from tickets.roles import ROLES

# Known to everybody: these accounts exist in demo installations only, which listen on the loopback only.
DEMO_PASSWORD = "breakwater-demo"  # noqa: S105


@dataclass(frozen=True, slots=True)
class DemoPerson:
    role: str
    email: str
    first: str
    last: str


DEMO_PEOPLE = (
    DemoPerson("agent", "agent@example.com", "Mia", "Keller"),
    DemoPerson("manager", "manager@example.com", "Maya", "Okafor"),
    DemoPerson("administrator", "admin@example.com", "Ada", "Lund"),
)


class LastAdministrator(Exception):
    """Without this person nobody could manage people any more."""


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def make_demo_people() -> list[Any]:
    """Makes the demo accounts that are missing. Refuses outside a demo."""
    if not settings.DEMO:
        raise RuntimeError("demo accounts exist with DEMO=1 only")
    return [_demo_account(person) for person in DEMO_PEOPLE]


def _demo_account(person: DemoPerson) -> Any:
    known = {"email": person.email, "first_name": person.first, "last_name": person.last}
    user, new = get_user_model().objects.get_or_create(username=person.email, defaults=known)
    if new:
        user.set_password(DEMO_PASSWORD)
        user.save(update_fields=["password"])
        # Looked up by name: front processes load this module without allauth.
        addresses = apps.get_model("account", "EmailAddress").objects
        addresses.create(user=user, email=person.email, verified=True, primary=True)
        user.groups.set(Group.objects.filter(name=person.role))
    return user


def demo_accounts() -> list[dict[str, str]]:
    """How to sign in to a demo installation; empty elsewhere."""
    if not settings.DEMO:
        return []
    return [{"username": one.email, "role": one.role, "password": DEMO_PASSWORD} for one in DEMO_PEOPLE]


def colleagues() -> QuerySet[Any]:
    """Active people with a role, by name."""
    working = Q(groups__name__in=ROLES) | Q(is_superuser=True)
    return get_user_model().objects.filter(working, is_active=True).distinct().order_by("first_name", "username")


def set_role(person: Any, role: str, by: Any) -> None:
    """Gives a person one role and takes all others. LastAdministrator when nobody else would be one."""
    with transaction.atomic():
        if role != "administrator":
            _keep_one_administrator(person)
        was = ", ".join(person.groups.order_by("name").values_list("name", flat=True))
        person.groups.set(Group.objects.filter(name=role))
        if person.is_superuser and role != "administrator":
            person.is_superuser = False
            person.save(update_fields=["is_superuser"])
        audit.record(by, "person.role", person.get_username(), role=role, was=was)


def deactivate(person: Any, by: Any) -> None:
    """Locks a person out at once, from open sessions too. Their tickets go back to everybody."""
    with transaction.atomic():
        _keep_one_administrator(person)
        person.is_active = False
        person.save(update_fields=["is_active"])
        person.tickets.filter(state="open").update(assignee=None)
        audit.record(by, "person.deactivate", person.get_username())


def reactivate(person: Any, by: Any) -> None:
    """Lets a person in again, in the role they had."""
    with transaction.atomic():
        person.is_active = True
        person.save(update_fields=["is_active"])
        audit.record(by, "person.reactivate", person.get_username())


def _keep_one_administrator(person: Any) -> None:
    administrators = Q(groups__name="administrator") | Q(is_superuser=True)
    people = get_user_model().objects.select_for_update(of=("self",)).filter(administrators, is_active=True)
    ids = set(people.values_list("pk", flat=True))
    if ids == {person.pk}:
        raise LastAdministrator(person.get_username())
