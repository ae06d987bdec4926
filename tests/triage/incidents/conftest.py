"""A house with lines, components, people and tickets, for the tests of incident mode."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from tests.voice.noises import wav
from tickets.models import Entry, Identity, Requester, Ticket
from triage.incidents import linking
from triage.incidents.mode import Choices
from triage.models import Component
from voice import sounds
from voice.models import Line


def person(role: str) -> User:
    user = User.objects.create_user(f"the-{role}", first_name=role.capitalize())
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


@pytest.fixture(autouse=True)
def settled(monkeypatch) -> None:
    """No second pass of linking, but where a test asks for it."""
    monkeypatch.setattr(linking, "SETTLE", timedelta(0))


@pytest.fixture
def maya(db) -> User:
    return person("manager")


@pytest.fixture
def lines(db) -> list[Line]:
    common = {"open_text": {"en": "Welcome."}, "time_zone": "UTC"}
    return [
        Line.objects.create(
            key="uk",
            name="Support UK",
            number="+442079460800",
            languages=["en"],
            incident_text={"en": "We know."},
            incident_audio={"en": sounds.take(wav())},
            **common,
        ),
        Line.objects.create(
            key="de",
            name="Support DE",
            number="+493055570110",
            languages=["de", "en"],
            incident_text={"de": "Wir wissen es.", "en": "We know."},
            **common,
        ),
    ]


@pytest.fixture
def login(db) -> Component:
    return Component.objects.create(name="Login")


@pytest.fixture
def write(db) -> Callable[..., Ticket]:
    """Makes a ticket by somebody; the same `email` is the same requester, none has no address."""

    def make(email: str = "", subject: str = "Login fails", **values: Any) -> Ticket:
        known = Identity.objects.filter(kind="email", value=email).first() if email else None
        requester = known.requester if known else Requester.objects.create(name=email)
        if email and not known:
            Identity.objects.create(requester=requester, kind="email", value=email)
        at = values.pop("created_at", timezone.now() - timedelta(minutes=5))
        text = values.pop("text", "I cannot log in.")
        values = {"medium": "email" if email else "phone", "waiting_since": at, **values}
        ticket = Ticket.objects.create(subject=subject, requester=requester, created_at=at, **values)
        kind = Entry.Kind.MESSAGE if email else Entry.Kind.CALL
        Entry.objects.create(ticket=ticket, kind=kind, sender=email, text=text, visible=text, happened_at=at)
        return ticket

    return make


@pytest.fixture
def asked(lines, login) -> Callable[..., Choices]:
    """Choices as a manager would make them."""

    def make(**values: Any) -> Choices:
        plain: dict[str, Any] = {
            "title": "Logins fail",
            "started_at": datetime.now(UTC) - timedelta(hours=2),
            "update": "We are looking into it.",
            "lines": [line.pk for line in lines],
            "announcement": {"en": "", "de": ""},
            "notice": {"en": "We know of it.", "de": "Wir wissen davon."},
            "components": {str(login.pk): "major_outage"},
        }
        return Choices(**(plain | values))

    return make
