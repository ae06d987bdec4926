"""The founding day as a newcomer sees it: the real process tree, a real browser, the drill's button."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers import wait_until
from tests.stack import Stack
from tickets.desk.people import DEMO_PASSWORD

# Seconds within which the flood must be noticed: the watch ticks every ten, and needs some minutes of evidence at most.
NOTICED = 120_000


@pytest.fixture
def house() -> Iterator[Stack]:
    with Stack(DEMO="1") as stack:
        stack.env["PUBLIC_URL"] = stack.front_url
        yield stack


@pytest.fixture
def manager(browser: Browser, house: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=house.desk_url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill("manager@example.com")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/desk/")
    yield page
    context.close()


def requests_in_the_last_hour(page: Page) -> int:
    figure = page.locator(".figures > div", has_text="requests in the last hour").locator("strong")
    return int(figure.inner_text().replace(",", ""))


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("processes")
def test_a_newcomer_presses_the_button_and_survives_the_day(house: Stack, manager: Page) -> None:
    """Amber, incident mode, the message on the phone, everybody linked and told, nobody lost and nobody told twice."""
    manager.goto("/control/")
    before = requests_in_the_last_hour(manager)
    manager.get_by_role("button", name="Start the drill").click()
    manager.goto("/control/")
    expect(manager.locator(".state.surge")).to_be_visible(timeout=NOTICED)
    manager.goto("/control/")
    wait_until(lambda: requests_in_the_last_hour(manager) > before + 20, "the chart's figures move", 30)
    assert manager.locator("svg.chart").count() >= 1

    manager.get_by_role("link", name="Enter incident mode").first.click()
    manager.get_by_role("button", name="Show what will happen").click()
    manager.get_by_role("button", name="Enter incident mode").click()
    expect(manager.locator(".state.incident")).to_be_visible()
    wait_until(lambda: "know" in house.call("/voice/main/answer/", CallSid="CA" + "9" * 32).heard, "the message", 5)
    wait_until(lambda: _linked(house) > 5, "tickets are linked", 60)

    _end_the_drill(house)
    verdict = json.loads(house.manage("drill", "--verify", str(house.var / "drill" / "sent.jsonl"), check=False))
    assert verdict["sent"] == verdict["accepted"] > 10
    assert (verdict["lost"], verdict["doubled"]) == (0, 0)
    assert verdict["minutes_to_detection"] < 2

    manager.goto("/incidents/")
    manager.locator("main a", has_text="Problems").first.click()
    manager.get_by_role("link", name="Leave incident mode").click()
    manager.get_by_role("button", name="Leave incident mode").click()
    expect(manager.locator(".state.incident")).to_have_count(0)
    wait_until(
        lambda: "know" not in house.call("/voice/main/answer/", CallSid="CA" + "8" * 32).heard, "the old face", 5
    )


def _linked(house: Stack) -> int:
    return int(house.sql("SELECT count(*) FROM tickets_ticket WHERE problem_id IS NOT NULL")[0][0])


def _end_the_drill(house: Stack) -> None:
    """Ends the flood early, as somebody might: what was sent until then is verified."""
    house.kill_command("manage.py drill")
