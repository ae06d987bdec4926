"""Who may do what: roles are groups, each a set of powers; every view declares the power it needs."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from tickets import signed_out

View = Callable[..., HttpResponseBase]


class Power(StrEnum):
    ANSWER_TICKETS = "answer_tickets"
    WORK_DESK = "work_desk"  # assign, bulk actions, callbacks, search
    RUN_INCIDENTS = "run_incidents"  # lines, incidents, broadcasts, status page, drill, simulator
    MANAGE_PEOPLE = "manage_people"


ROLES: dict[str, frozenset[Power]] = {
    "helper": frozenset({Power.ANSWER_TICKETS}),
    "agent": frozenset({Power.ANSWER_TICKETS, Power.WORK_DESK}),
    "manager": frozenset({Power.ANSWER_TICKETS, Power.WORK_DESK, Power.RUN_INCIDENTS}),
    "administrator": frozenset(Power),
}


def powers_of(user: Any) -> frozenset[Power]:
    """The powers of `user`; none for anonymous and inactive people. Cached on the user object."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if not hasattr(user, "_powers"):
        names = ["administrator"] if user.is_superuser else [group.name for group in user.groups.all()]
        user._powers = frozenset().union(*(ROLES.get(name, frozenset()) for name in names))
    return user._powers


def needs(power: Power, *, in_demo: Power | None = None) -> Callable[[View], View]:
    """Decorates a view: anonymous people are sent to sign in, others without the power get 403.

    `in_demo`: the lesser power that is enough in a demo installation.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return signed_out.ask(request)
            enough = in_demo if in_demo and settings.DEMO else power
            if enough not in powers_of(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.needs = power  # type: ignore[attr-defined]
        return guarded

    return decorate


def colleague(request: HttpRequest) -> User:
    """Who is signed in. Behind `needs` somebody always is."""
    assert isinstance(request.user, User)
    return request.user


def public(view: View) -> View:
    """Marks a view that anybody may call on purpose; the test that walks the URLconf looks for the mark."""
    view.needs = None  # type: ignore[attr-defined]
    return view
