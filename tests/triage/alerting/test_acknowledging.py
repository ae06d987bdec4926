"""Somebody is on it: by a link that scanners may follow, by the product's button, once, and known to everybody."""

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.utils import timezone

from tests.house import person
from tickets.models import AuditEntry, Outgoing
from triage import alerts
from triage.alerting import acknowledging
from triage.models import Alert, AlertDelivery, Surge

pytestmark = pytest.mark.django_db


def told(**values) -> AlertDelivery:
    alerts.notify("refused:voice", "20 webhooks refused", "Look at it.\n", **values)
    return AlertDelivery.objects.order_by("-pk").first()


def path_of(row: AlertDelivery, settings) -> str:
    return acknowledging.link_of(row).removeprefix(settings.PUBLIC_URL)


def test_looking_changes_nothing_and_the_button_acknowledges_in_the_name_of_who_was_told(route, client, settings):
    route("Operations")
    path = path_of(told(), settings)
    for _ in range(3):
        page = client.get(path)
        assert (page.status_code, page["Cache-Control"].count("no-store")) == (200, 1)
    assert client.head(path).status_code == 200
    assert Alert.objects.get().acknowledged_at is None
    assert "on it" in page.content.decode()
    answer = client.post(path, follow=True)
    assert "Operations is on it" in " ".join(answer.content.decode().split())
    alert = Alert.objects.get()
    assert (alert.acknowledged_as, alert.acknowledged_by) == ("Operations", None)
    assert AuditEntry.objects.get(action="alert.acknowledge").detail["name"] == "Operations"


def test_the_link_stands_in_the_mail_and_works_without_a_session(settings):
    boss = person("manager")
    told()
    text = Outgoing.objects.get().text
    link = next(word for word in text.split() if "/alerts/" in word)
    client = Client(enforce_csrf_checks=True)
    path = link.removeprefix(settings.PUBLIC_URL)
    client.get(path)
    assert client.post(path).status_code == 403, "a post from elsewhere"
    client.post(path, {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    assert Alert.objects.get().acknowledged_as == boss.email


def test_pressed_twice_the_first_stays_and_whoever_is_signed_in_is_named(route, client, settings):
    route()
    row = told()
    client.force_login(person("manager", "Maya Okafor"))
    client.post(path_of(row, settings))
    Client().post(path_of(row, settings))
    alert = Alert.objects.get()
    assert (alert.acknowledged_by.first_name, alert.acknowledged_as) == ("Maya", "")
    assert AuditEntry.objects.filter(action="alert.acknowledge").count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_expires_and_a_forged_one_is_none(route, client, settings, method):
    route()
    row = told()
    path = path_of(row, settings)
    assert getattr(client, method)(f"/alerts/{signing.dumps(row.pk, salt='other')}/").status_code == 404
    assert getattr(client, method)(path[:-3] + "x/").status_code == 404
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        answer = getattr(client, method)(path)
    assert answer.status_code == 410
    assert "expired" in answer.content.decode()
    assert Alert.objects.get().acknowledged_at is None


def test_what_is_over_says_so_and_has_no_button(route, client, settings):
    route()
    row = told(lasting=True)
    alerts.close("refused:voice")
    page = client.get(path_of(row, settings)).content.decode()
    assert "It is over" in page
    assert "<button" not in page


def test_what_customers_wrote_is_text_on_the_page(route, client, settings):
    route()
    alerts.notify("k", "<b>Surge</b>", "- <script>alert(1)</script>")
    page = client.get(path_of(AlertDelivery.objects.get(), settings)).content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "<b>Surge" not in page


def test_a_manager_presses_the_button_of_the_product(client, route):
    route()
    boss = person("manager", "Maya Okafor")
    told()
    client.force_login(boss)
    page = client.get("/control/").content.decode()
    assert "Nobody has answered" in page
    answer = client.post(f"/control/alerts/{Alert.objects.get().pk}/acknowledge/", follow=True)
    assert "You are on it" in answer.content.decode()
    assert Alert.objects.get().acknowledged_by == boss
    page = " ".join(client.get("/control/").content.decode().split())
    assert "Nobody has answered" not in page
    assert "Maya Okafor is on it" in page
    client.force_login(person("manager"))
    answer = client.post(f"/control/alerts/{Alert.objects.get().pk}/acknowledge/", follow=True)
    assert "Maya Okafor is on it already" in answer.content.decode()


def test_the_bar_answers_htmx_with_itself(client, route):
    route()
    told()
    client.force_login(person("manager"))
    answer = client.post(f"/control/alerts/{Alert.objects.get().pk}/acknowledge/", headers={"HX-Request": "true"})
    assert answer.content.decode().strip().startswith('<div id="state"')
    assert "Nobody has answered" not in answer.content.decode()


def test_agents_are_not_asked_and_may_not_answer(client, route):
    route()
    told()
    client.force_login(person("agent"))
    assert "Nobody has answered" not in client.get("/control/").content.decode()
    assert client.post(f"/control/alerts/{Alert.objects.get().pk}/acknowledge/").status_code == 403


@pytest.mark.parametrize("hours", [0, 11, 13])
def test_a_page_is_shown_over_every_page_while_it_matters(route, hours):
    route()
    told()
    assert acknowledging.unanswered() is not None
    Alert.objects.update(made_at=timezone.now() - timedelta(hours=hours))
    assert (acknowledging.unanswered() is not None) is (hours < 12)


def test_notices_wait_for_nobody(route):
    route(notices=True)
    told(level="notice")
    assert acknowledging.unanswered() is None


def test_whoever_is_on_a_surge_is_on_all_that_was_told_of_it(route):
    route()
    now = timezone.now()
    surge = Surge.objects.create(series="all", began_at=now, detected_at=now)
    alerts.notify("surge:1", "S", "T", surge=surge)
    alerts.notify("other", "S", "T")
    assert acknowledging.acknowledge_surge(surge.pk, person("manager")) == 1
    assert Alert.objects.get(acknowledged_at=None).kind == "other"
