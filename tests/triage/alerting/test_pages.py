"""Managers see who is told and what was told, and change it; a wrong address is named and nothing is lost."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.house import person
from tickets.models import AuditEntry
from triage import alerts
from triage.alerting import deliveries
from triage.models import AlertDelivery, AlertRoute

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    made = person("manager", "Maya Okafor")
    client.force_login(made)
    return made


def page(client, path="/control/alerts/"):
    return " ".join(client.get(path).content.decode().split())


FORM = {
    "name": "Ops",
    "way": "service",
    "url": "json://hooks.example.org/secret",
    "pages": "on",
    "step": "1",
    "on": "on",
}


def test_a_new_installation_says_whom_it_tells(client, boss):
    assert "Every alert goes to each manager’s mail" in page(client)


def test_a_route_is_added_and_its_secret_is_never_shown_again(client, boss):
    answer = client.post("/control/alerts/routes/new/", FORM, follow=True)
    route = AlertRoute.objects.get()
    assert (route.url, route.step, route.on, route.notices) == (FORM["url"], 1, True, False)
    assert "Saved: Ops" in answer.content.decode()
    for path in ("/control/alerts/", f"/control/alerts/routes/{route.pk}/"):
        assert "hooks.example.org" in page(client, path)
        assert "secret" not in page(client, path)
    assert "Each notice goes to each manager’s mail" in page(client)
    assert "secret" not in str(AuditEntry.objects.get(action="alert_route.save").detail)


def test_a_known_route_keeps_its_address_where_none_is_given(client, boss, route):
    made = route()
    client.post(f"/control/alerts/routes/{made.pk}/", {**FORM, "url": "", "name": "Renamed", "notices": "on"})
    made.refresh_from_db()
    assert (made.name, made.notices) == ("Renamed", True)
    assert made.url.startswith("json://127.0.0.1")
    client.post(f"/control/alerts/routes/{made.pk}/", {**FORM, "way": "mail", "url": ""})
    made.refresh_from_db()
    assert (made.url, made.shown) == ("", "")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "slack://x"}, "slack:// cannot be used so"),
        ({"url": ""}, "This is no address"),
        ({"url": "nonsense"}, "This is no address"),
        ({"name": ""}, "Name the route"),
        ({"pages": ""}, "It would never be told"),
        ({"pages": "", "notices": "on", "step": "2"}, "Only pages wait"),
        ({"step": "7"}, "Select a valid choice"),
        ({"way": ""}, "Choose where it leads to"),
        ({"name": "Known"}, "with this Name already exists"),
        ({"url": "json://" + "x" * 1000}, "at most 1000 characters"),
    ],
)
def test_what_is_wrong_is_named_and_what_was_written_is_kept(client, boss, route, wrong, words):
    route("Known")
    answer = client.post("/control/alerts/routes/new/", {**FORM, **wrong})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert words in text
    assert AlertRoute.objects.count() == 1
    if wrong.get("url"):
        assert wrong["url"] in text, "a new address is kept in the form"


def test_a_test_says_on_the_page_what_came_of_it(client, boss, route, service):
    made = route()
    service.answers = [401]
    act = f"/control/alerts/routes/{made.pk}/test/"
    assert "The test did not arrive." in client.post(act, follow=True).content.decode()
    assert "failed" in page(client)
    assert "The test was taken." in client.post(act, follow=True).content.decode()
    assert service.subjects == ["Test of the alert route Operations"]
    assert "arrived" in page(client)


def test_a_route_is_taken_away(client, boss, route):
    made = route()
    client.post(f"/control/alerts/routes/{made.pk}/delete/")
    assert not AlertRoute.objects.exists()
    assert client.post(f"/control/alerts/routes/{made.pk}/delete/").status_code == 404
    assert client.post(f"/control/alerts/routes/{route().pk}/nonsense/").status_code == 404


def test_the_history_says_who_was_told_and_who_is_on_it(client, boss, route, service):
    route("Ops room")
    alerts.notify("refused:voice", "20 webhooks <refused>", "Look.", lasting=True)
    deliveries.send(AlertDelivery.objects.get().pk)
    text = page(client)
    assert "20 webhooks &lt;refused&gt;" in text
    assert "Nobody has answered." in text
    assert 'Ops room: the alert <span class="tag good">sent</span>' in text


def test_what_is_in_doubt_is_decided_by_a_person(client, boss, route):
    route()
    alerts.notify("k", "S", "T")
    AlertDelivery.objects.update(state="uncertain", error="no answer", due_at=timezone.now())
    row = AlertDelivery.objects.get()
    assert "What waits for a person" in page(client)
    assert "Alerts that failed or are uncertain" in page(client, "/control/")
    client.post(f"/control/alerts/deliveries/{row.pk}/sent/")
    row.refresh_from_db()
    assert row.state == "sent"
    answer = client.post(f"/control/alerts/deliveries/{row.pk}/again/", follow=True)
    assert "Somebody has decided about it already" in answer.content.decode()
    assert client.post(f"/control/alerts/deliveries/{row.pk}/nonsense/").status_code == 404


def test_the_queries_do_not_grow_with_routes_and_alerts(client, boss, route):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            page(client)
        return len(seen)

    route("R0"), route("Boss0", step=2)
    alerts.notify("k0", "S", "T")
    AlertDelivery.objects.update(state="uncertain")
    queries()
    few = queries()
    for n in range(1, 5):
        route(f"R{n}"), route(f"Boss{n}", step=2)
        alerts.notify(f"k{n}", "S", "T")
    AlertDelivery.objects.update(state="uncertain")
    assert queries() == few


def test_older_alerts_are_on_further_pages(client, boss):
    for n in range(35):
        alerts.notify(f"k{n}", f"Subject {n:02}", "T")
    first = page(client)
    assert "Subject 34" in first
    assert "Subject 04" not in first
    older = first.partition("?before=")[2].partition('"')[0]
    assert "Subject 04" in page(client, f"/control/alerts/?before={older}")


@pytest.mark.parametrize("path", ["/control/alerts/", "/control/alerts/routes/new/"])
def test_agents_neither_see_nor_change_routes(client, path):
    client.force_login(person("agent"))
    assert client.get(path).status_code == 403
    assert client.post(path, FORM).status_code == 403
    assert "All, and who is told" not in page(client, "/control/")
