"""Whether a process works: front without a database, desk with one."""

import pytest
from django.db import OperationalError, connection

from tickets import spool


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["desk", ""])
def test_a_desk_is_well_with_its_database(client, settings, role):
    settings.ROLE = role
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["ok"], answer.json()["database"]) == (200, True, True)
    assert answer.headers["Cache-Control"] == "no-store"


def away(execute, sql, params, many, context):
    raise OperationalError("away")


@pytest.mark.django_db
def test_a_desk_without_its_database_is_not(client, settings):
    settings.ROLE = "desk"
    with connection.execute_wrapper(away):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)


def test_front_asks_no_database_and_tells_what_waits_on_disk(client, settings):
    # No database is allowed in this test: a query would fail it.
    settings.ROLE = "front"
    spool.write({"channel": "web_form", "key": "one"})
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "role": "front", "plan": False, "spooled": 1}
