"""A real browser: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.house import PASSWORD, person

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def chromium() -> str:
    """Where Chromium is; skips where it is not."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium: `apt-get install chromium` installs it, or set CHROMIUM to where it is")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    # Playwright runs an event loop in this thread; Django would refuse the database because of it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Opens pages of the running desk. What the browser blocks or stumbles over fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(*, dark: bool = False, size: dict[str, int] | None = None, scripts: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            color_scheme="dark" if dark else "light",
            viewport=size or WIDE,  # type: ignore[arg-type]
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if _complains(said.text) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def _complains(text: str) -> bool:
    return "Content Security Policy" in text or "Content-Security-Policy" in text


@pytest.fixture
def sign_in(db: Any) -> Callable[..., Any]:
    """Signs a new person of a role in, by the sign-in page."""

    def signed_in(page: Page, role: str = "agent", name: str = "Mia Kern") -> Any:
        who = person(role, name)
        page.goto("/desk/")
        page.get_by_label("Username or email").fill(who.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/desk/")
        return who

    return signed_in


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """Refuses a page on which axe finds a fault."""
    axe = Axe()

    def check(page: Page) -> None:
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
        faults = [
            f"{fault['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for fault in found.response["violations"]
            for node in fault["nodes"][:3]
        ]
        assert not faults, page.url + "\n" + "\n".join(faults)

    return check
