"""Who is told: what routes take, what no route takes, and what the environment adds."""

import pytest

from tests.house import person
from tests.tickets import smtp_server
from tickets.models import AuditEntry, Outgoing
from triage.alerting import routes
from triage.alerting.apprise_client import BadAddress
from triage.alerting.routes import MANAGERS, Route
from triage.models import AlertRoute

OPS = Route("ops", "ops", "json://a", pages=True, notices=False, step=1)
LOG = Route("log", "log", "json://b", pages=False, notices=True, step=1)
BOSS = Route("boss", "boss", "json://c", pages=True, notices=False, step=2)


@pytest.mark.parametrize(
    ("known", "level", "step", "chosen"),
    [
        ([], "page", 1, [MANAGERS]),
        ([], "notice", 1, [MANAGERS]),
        ([], "page", 2, []),
        ([OPS], "page", 1, [OPS]),
        ([OPS], "notice", 1, [MANAGERS]),
        ([LOG], "page", 1, [MANAGERS]),
        ([OPS, LOG], "notice", 1, [LOG]),
        ([OPS, BOSS], "page", 2, [BOSS]),
        ([BOSS], "page", 1, [MANAGERS]),
        ([OPS, MANAGERS], "page", 1, [OPS, MANAGERS]),
    ],
)
def test_a_level_goes_to_the_routes_that_take_it_and_else_to_each_manager(known, level, step, chosen):
    assert routes.choose(known, level, step) == chosen


def test_managers_are_told_once_each_and_agents_are_not(db):
    boss, _, nobody, gone = person("manager"), person("agent"), person("manager"), person("administrator")
    type(boss).objects.filter(pk=nobody.pk).update(email="")
    type(boss).objects.filter(pk=gone.pk).update(is_active=False)
    boss.groups.add(*gone.groups.all())
    assert [one.email for one in routes.recipients("page", 1)] == [boss.email]


def test_routes_that_are_off_and_routes_of_the_environment(route, settings):
    route("Off", on=False)
    on = route("On")
    settings.ALERT_URLS, settings.ALERT_URLS_SECOND = ["json://env.example.org/secret"], ["json://second.example.org"]
    first, second = routes.recipients("page", 1), routes.recipients("page", 2)
    assert [one.name for one in first] == ["On", "json (environment)"]
    assert [one.name for one in second] == ["json (environment)"]
    assert routes.url_of(first[1].key) == "json://env.example.org/secret"
    assert routes.url_of(f"route:{on.pk}") == on.url
    assert "secret" not in f"{first}"
    on.on = False
    on.save()
    assert routes.url_of(f"route:{on.pk}") == ""


def test_a_test_says_what_came_of_it(route, service):
    made, boss = route(), person("manager", "Maya Okafor")
    assert routes.test(made, boss) == ""
    assert service.subjects == ["Test of the alert route Operations"]
    assert "Maya Okafor tests this route" in service.got[0]["message"]
    service.answers = [403]
    assert "403" in routes.test(made, boss)
    made.refresh_from_db()
    assert "403" in made.test_error
    assert made.tested_at is not None


def test_a_test_of_the_managers_mail_reaches_only_who_asks(route):
    boss, other = person("manager"), person("manager")
    assert routes.test(route(url=""), boss) == ""
    assert [mail.to for mail in Outgoing.objects.all()] == [boss.email]
    other.email = ""
    assert "no address" in routes.test(AlertRoute.objects.get(), other)


def test_a_new_address_forgets_the_old_one_s_test_and_no_entry_names_a_secret(route, service):
    made, boss = route(), person("manager")
    routes.test(made, boss)
    routes.save(made, f"json://127.0.0.1:{smtp_server.free_port()}/hidden", boss)
    made.refresh_from_db()
    assert made.tested_at is None
    assert made.shown.startswith("JSON, json://127.0.0.1:")
    with pytest.raises(BadAddress):
        routes.save(made, "nonsense", boss)
    assert "hidden" not in str(list(AuditEntry.objects.values_list("detail", flat=True))) + made.shown
