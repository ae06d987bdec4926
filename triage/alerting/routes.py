"""Who is told: managers' routes and those of the environment, and each manager's mail where no route takes it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tickets import audit, changes, outbox
from tickets.models import Lane, Outgoing
from tickets.work import TransportError
from triage.alerting import apprise_client
from triage.alerting.models import Alert, AlertRoute

# Seconds that somebody waits for the outcome of a test.
TEST_SECONDS = 8.0
FIRST, SECOND = AlertRoute.Step.FIRST, AlertRoute.Step.SECOND


@dataclass(frozen=True, slots=True)
class Route:
    """A way to people. `url` empty: each manager's mail."""

    key: str
    name: str
    url: str = ""
    pages: bool = True
    notices: bool = False
    step: int = FIRST

    def takes(self, level: str) -> bool:
        return self.pages if level == Alert.Level.PAGE else self.notices


MANAGERS = Route("managers", "each manager", notices=True)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets one delivery: a route of a service, or a manager's address. `key` names them for good."""

    key: str
    name: str
    step: int

    @property
    def email(self) -> str:
        """The address; empty for services."""
        return self.key.removeprefix("mail:") if self.key.startswith("mail:") else ""


def choose(routes: Sequence[Route], level: str, step: int) -> list[Route]:
    """Pure: the routes that a message of this level takes at this step; what none takes first goes to each manager."""
    found = [route for route in routes if route.step == step and route.takes(level)]
    return found or ([MANAGERS] if step == FIRST else [])


def recipients(level: str, step: int) -> list[Recipient]:
    """Everybody who is told at this step."""
    found: list[Recipient] = []
    for route in choose(current(), level, step):
        found += [Recipient(route.key, route.name, step)] if route.url else managers(step)
    return list({one.key: one for one in found}.values())


def managers(step: int = FIRST) -> list[Recipient]:
    """Each manager who has an address."""
    found = User.objects.filter(is_active=True, groups__name__in=["manager", "administrator"]).exclude(email="")
    emails = found.order_by("email").values_list("email", flat=True).distinct()
    return [Recipient(f"mail:{email}", email, step) for email in emails]


def current() -> list[Route]:
    """All routes that are on: the rows, then those of the environment."""
    rows = [
        Route(f"route:{row.pk}", row.name, row.url, row.pages, row.notices, row.step)
        for row in AlertRoute.objects.filter(on=True)
    ]
    return [*rows, *of_environment()]


def of_environment() -> list[Route]:
    """Routes for installations that nobody clicks together. They take pages only."""
    pairs = ((settings.ALERT_URLS, FIRST), (settings.ALERT_URLS_SECOND, SECOND))
    return [Route(_key(url), _name(url), url, step=step) for urls, step in pairs for url in urls]


def url_of(key: str) -> str:
    """The address of a recipient that is a service; empty when it is there no more, or off."""
    return next((route.url for route in current() if route.key == key), "")


def _key(url: str) -> str:
    return f"env:{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def _name(url: str) -> str:
    """The scheme says enough: the service is not loaded to name it."""
    return f"{url.partition(':')[0]} (environment)"


def save(route: AlertRoute, url: str, by: Any) -> None:
    """Keeps a route. BadAddress where nobody can be told by `url`; empty: each manager's mail."""
    found = apprise_client.service(url) if url else None
    route.shown = f"{found.name}, {found.shown}"[:200] if found else ""
    if route.url != url:
        route.url, route.tested_at, route.test_error = url, None, ""
    with transaction.atomic():
        route.save()
        audit.record(by, "alert_route.save", route.name, shown=route.shown, step=route.step, on=route.on)
        changes.bump("alerts")


def delete(route: AlertRoute, by: Any) -> None:
    """Takes a route away; what still waits for it is withdrawn when its turn comes."""
    with transaction.atomic():
        audit.record(by, "alert_route.delete", route.name, shown=route.shown)
        route.delete()
        changes.bump("alerts")


def test(route: AlertRoute, by: Any) -> str:
    """Sends a test now, within seconds. Returns why it failed, empty where it was taken. Mail goes to who asks only."""
    subject = f"Test of the alert route {route.name}"
    who = by.get_full_name() or by.get_username()
    text = f"{who} tests this route at {settings.ORGANISATION}. Nothing has happened."
    try:
        if route.url:
            apprise_client.send(route.url, subject, text, seconds=TEST_SECONDS)
        else:
            _mail_test(by, subject, text)
        route.test_error = ""
    except TransportError as error:
        route.test_error = str(error)
    route.tested_at = timezone.now()
    route.save(update_fields=["tested_at", "test_error"])
    audit.record(by, "alert_route.test", route.name, error=route.test_error)
    return route.test_error


def _mail_test(by: Any, subject: str, text: str) -> None:
    draft = {"kind": Outgoing.Kind.ALERT, "lane": Lane.LIVE, "to": by.email, "requester": None, "ticket": None}
    if not by.email or outbox.queue(**draft, subject=subject, text=text, group="alert:test") is None:
        raise TransportError("You have no address that mail may go to.", permanent=True)
