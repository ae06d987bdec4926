"""The audit trail's page: names with links instead of ids, in a constant number of queries."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.house import person, problem, ticket
from tickets import audit
from tickets.models import AuditEntry
from triage.models import Incident
from triage.trail import page
from voice.models import Line

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse("audit")).status_code == 200
    return len(captured)


def _incident(title: str) -> Incident:
    return Incident.objects.create(problem=problem(title), started_at=NOW, entered_at=NOW)


def _line(key: str, name: str, number: str) -> Line:
    return Line.objects.create(key=key, name=name, number=number, languages=["en"])


def _made(by: Any, n: int) -> None:
    """One entry of every sort whose names are looked up."""
    made, incident, who = ticket(), _incident(f"Logins {n}"), person()
    line = _line(f"l{n}", f"Line {n}", f"+44207946008{n}")
    audit.record(by, "ticket.assign", f"ticket:{made.pk}", words="assigned to Ada", tickets=[made.pk])
    audit.record(by, "incident.leave", incident.pk, closing="All good.")
    audit.record(by, "listeners.tell", incident.problem_id, texts=3)
    audit.record(by, "line.edit", line.key, name=["Old", "New"], agents=[[], [who.pk]])
    audit.record(by, "person.role", who.get_username(), role="manager", was="agent")
    audit.record(by, "callback.reassign", 9, to=who.pk)


def test_the_audit_trail_is_paged_by_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", 2)
    boss = person("administrator")
    client.force_login(boss)
    for n in range(5):
        audit.record(boss, "line.change", n)
    seen: list[int] = []
    before: Any = ""
    while before is not None:
        context = client.get(reverse("audit"), {"before": before}).context
        seen += [row["entry"].pk for row in context["rows"]]
        before = context["older"]
    assert seen == list(AuditEntry.objects.order_by("-pk").values_list("pk", flat=True))


def test_many_entries_cost_as_many_queries_as_one_of_each(client: Client) -> None:
    boss = person("administrator")
    client.force_login(boss)
    _made(boss, 1)
    once = _queries(client)
    for n in range(2, 6):
        _made(person("manager"), n)
    assert _queries(client) == once


def test_what_was_done_is_told_by_names_that_lead_to_the_thing(client: Client) -> None:
    boss = person("administrator", name="Bo Marsh")
    client.force_login(boss)
    made, incident, line = (
        ticket("No calendar"),
        _incident("Logins failing"),
        _line("uk", "Support UK", "+442079460800"),
    )
    audit.record(boss, "ticket.solve", f"ticket:{made.pk}", words="solved", tickets=[made.pk])
    audit.record(boss, "incident.update", incident.pk, update=4, status="monitoring", body="It holds.")
    audit.record(boss, "line.edit", line.key, name=["Support", "Support UK"])
    audit.record(boss, "ticket.solve", "2 tickets", words="solved", tickets=[made.pk, made.pk + 1])
    shown = client.get(reverse("audit")).content.decode()
    for words in (
        f'<a href="/tickets/{made.pk}/">#{made.pk} No calendar</a>',
        f'<a href="/tickets/{made.pk + 1}/">#{made.pk + 1}</a>',
        f'<a href="/incidents/{incident.pk}/">Logins failing</a>',
        f'<a href="/lines/{line.pk}/">Support UK +44 20 7946 0800</a>',
        "Posted an update",
        "It holds.",
        "Support → Support UK",
        "Bo Marsh",
    ):
        assert words in shown
    assert "{&#x27;" not in shown


def test_people_are_linked_for_those_only_who_manage_them(client: Client) -> None:
    ada = person(name="Ada Byron")
    audit.record(None, "person.deactivate", ada.get_username())
    row = f'<a href="{reverse("people")}">Ada Byron</a>'
    client.force_login(person("manager"))
    shown = client.get(reverse("audit")).content.decode()
    assert "Ada Byron" in shown
    assert row not in shown
    client.force_login(person("administrator"))
    assert row in client.get(reverse("audit")).content.decode()


def test_what_is_gone_is_shown_as_it_was_written(client: Client) -> None:
    client.force_login(person("manager"))
    audit.record(None, "line.edit", "long-gone", name=["A", "B"])
    audit.record(None, "made.up", "9" * 40, odd_key={"a": 1})
    shown = client.get(reverse("audit")).content.decode()
    for words in ("long-gone", "Made: up", "9" * 40, "Odd key", "a: 1"):
        assert words in shown
