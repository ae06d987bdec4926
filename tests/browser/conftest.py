"""Pages of the running desk in a real browser (tests/chromium.py)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.house import PASSWORD, person
from tests.promised import promised

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Both widths and both palettes, each once; and each with each. What takes a while does so in one view unless as much is
# asked for as is promised.
_WIDE, _PHONE = {"light": (False, WIDE)}, {"dark on a phone": (True, PHONE)}
_OTHERS = {"dark": (True, WIDE), "light on a phone": (False, PHONE)}
_BOTH, _EVERY = promised(_WIDE | _PHONE, _WIDE), promised(_WIDE | _PHONE | _OTHERS, _PHONE)
BOTH = pytest.mark.parametrize(("dark", "size"), _BOTH.values(), ids=_BOTH)
EVERY = pytest.mark.parametrize(("dark", "size"), _EVERY.values(), ids=_EVERY)


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
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

    def check(page: Page) -> None:
        # Every rule is run all the same; what passed is not described node by node, which takes nearly half the time.
        found = axe.run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
        faults = [
            f"{fault['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for fault in found.response["violations"]
            for node in fault["nodes"][:3]
        ]
        assert not faults, page.url + "\n" + "\n".join(faults)

    return check
