"""Alerts in a real browser: routes, the bar's button with and without scripts, and the page behind an alert's link."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.conftest import BOTH, PHONE
from tests.house import person, ticket
from triage import alerts
from triage.alerting import acknowledging
from triage.models import Alert, AlertDelivery, AlertRoute, SeriesState, Surge
from triage.surge import telling

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Page]
SignIn = Callable[..., Any]


@pytest.fixture
def page_of_a_surge(db: Any) -> AlertDelivery:
    """A surge that managers were told of, and nobody has answered."""
    person("manager", "Maya Okafor")
    now = timezone.now()
    SeriesState.objects.create(series="all", ratio=11.4, expected=14 / 60)
    for _ in range(3):
        ticket("Calendar does not load")
    facts = {"began_at": now, "detected_at": now, "peak_ratio": 13.0, "total": 160, "expected": 14, "senders": 143}
    Surge.objects.create(series="all", **facts)
    AlertRoute.objects.create(
        name="Operations channel with a long name", url="json://ops.example.org", shown="JSON, json://ops.example.org/…"
    )
    AlertRoute.objects.create(name="Boss", url="json://boss.example.org", step=2, test_error="No.", tested_at=now)
    telling.tell(now)
    alerts.notify("other", "Something failed", "Text")
    AlertDelivery.objects.filter(alert__kind="other").update(state="uncertain", error="no answer")
    Alert.objects.filter(kind="other").update(acknowledged_at=now, acknowledged_as="ops")
    return AlertDelivery.objects.exclude(alert__kind="other").get()


@BOTH
def test_the_pages_of_alerts_are_for_everybody(
    open_page: Open,
    sign_in: SignIn,
    accessible: Callable[[Page], None],
    page_of_a_surge: AlertDelivery,
    dark: bool,
    size: dict[str, int],
) -> None:
    page = open_page(dark=dark, size=size)
    sign_in(page, "manager")
    route = f"/control/alerts/routes/{AlertRoute.objects.get(step=2).pk}/"
    link = "/alerts/" + acknowledging.link_of(page_of_a_surge).partition("/alerts/")[2]
    for address in ("/control/alerts/", "/control/alerts/routes/new/", route, "/surges/declare/", link):
        page.goto(address)
        for fold in page.locator("details").all():
            fold.evaluate("fold => { fold.open = true }")
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.goto("/control/alerts/routes/new/")
    page.get_by_role("button", name="Add the route").click()
    expect(page.get_by_text("This is no address")).to_be_visible()
    accessible(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_the_bar_asks_until_somebody_is_on_it(
    open_page: Open, sign_in: SignIn, page_of_a_surge: AlertDelivery, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    sign_in(page, "manager", "Mia Kern")
    expect(page.get_by_text("Nobody has answered: Surge x11")).to_be_visible()
    button = page.get_by_role("button", name="I’m on it")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody has answered")).to_have_count(0)
    alert = page_of_a_surge.alert
    alert.refresh_from_db()
    assert alert.acknowledged_by.first_name == "Mia"
    assert page.url.endswith("/desk/" if scripts else f"/surges/{alert.surge_id}/")


def test_a_route_is_added_and_a_surge_declared_by_keys_alone(open_page: Open, sign_in: SignIn, db: Any) -> None:
    page = open_page(scripts=False)
    sign_in(page, "manager")
    page.goto("/control/alerts/routes/new/")
    page.get_by_label("Name").focus()
    page.keyboard.type("Operations")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("json://ops.example.org/secret")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved: Operations.")).to_be_visible()
    page.goto("/control/")
    page.get_by_role("link", name="This is a surge…").press("Enter")
    page.get_by_label("Why").press("Enter")
    expect(page.get_by_text("Noted: this is a surge.")).to_be_visible()
    assert Surge.objects.on().exists()


def test_on_a_phone_the_bar_takes_a_row_for_the_surge_and_one_for_the_call(
    open_page: Open, sign_in: SignIn, page_of_a_surge: AlertDelivery
) -> None:
    page = open_page(size=PHONE)
    sign_in(page, "manager")
    bar = page.locator("#state")
    surge, enter, mine = (
        bar.get_by_role("link", name="×11 usual volume"),
        bar.get_by_role("link", name="Enter incident mode…"),
        bar.get_by_role("button", name="I’m on it"),
    )
    for within in (surge, enter, mine):
        expect(within).to_be_in_viewport(ratio=1)
    boxes = [within.bounding_box() for within in (bar, enter, mine)]
    tall, *buttons = [box["height"] for box in boxes if box]
    assert tall < 2.5 * sum(buttons) / 2
