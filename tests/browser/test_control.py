"""The managers' and the public pages in a real browser: for everybody, light and dark, wide and narrow, and by keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.conftest import BOTH
from tests.house import person, ticket
from tickets import changes, topics
from tickets.channels import web_form
from tickets.notices import NOTICES
from triage.incidents import jobs, mode
from triage.incidents.mode import Choices
from triage.models import Component, Incident, Job, SeriesState, Surge, SurgeTerms
from triage.status import export
from voice.models import Line

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Page]
SignIn = Callable[..., Any]


@pytest.fixture
def surge() -> Surge:
    """A surge that is on, on a line too, of people who write about the same."""
    SeriesState.objects.create(series="all", ratio=94.2)
    now = timezone.now()
    facts = {"began_at": now - timedelta(minutes=20), "detected_at": now, "peak_ratio": 107.3, "total": 1316}
    made = Surge.objects.create(series="all", expected=14, senders=870, **facts)
    Surge.objects.create(series="line:main", parent=made, **facts)
    Line.objects.create(
        key="main",
        name="Support for Germany, Austria and Switzerland",
        number="+12025550199",
        languages=["en"],
        open_text={"en": "Hello, this is Acme."},
    )
    Component.objects.create(name="Appointments and reminders by text message", status="degraded_performance")
    samples = [ticket("Calendar does not load").pk for _ in range(3)]
    shares = {"people": 83, "share": 0.83, "ordinary": 0.012, "score": 9.1, "samples": samples}
    rule = {"words": ["calendar", "error 500"], **shares}
    terms = [{"words": [word], **shares} for word in (*rule["words"], "Donaudampfschifffahrtsgesellschaft" * 2)]
    SurgeTerms.objects.create(surge=made, at=now, people=100, ordinary=900, terms=terms, rule=rule)
    topics.add("Calendar and reminders", ["calendar", "spinner"], person("manager"))
    return made


@pytest.fixture
def incident(surge: Surge) -> Incident:
    """Incident mode with all it can do, entered and worked off."""
    boss = person("manager", "Maya Okafor")
    choices = Choices(
        title="Nobody can sign in to the calendar since this morning",
        started_at=surge.began_at,
        update="We are looking into it.",
        lines=list(Line.objects.values_list("pk", flat=True)),
        announcement={"en": "We know of a problem."},
        notice={"en": "We know of a problem.", "de": "Wir wissen von einer Störung."},
        surge=surge.pk,
    )
    made = mode.enter(mode.preview(choices, boss).token, boss)
    for job in Job.objects.order_by("pk"):
        jobs.expand(job.pk)
    mode.post_update(made, "identified", "It is the database host.", boss, timezone.now() - timedelta(minutes=1))
    for refresh in (NOTICES.refresh, export.refresh):
        refresh()
    return made


@BOTH
def test_the_pages_of_a_surge_are_for_everybody(
    open_page: Open, sign_in: SignIn, accessible: Callable[[Page], None], surge: Surge, dark: bool, size: dict[str, int]
) -> None:
    page = open_page(dark=dark, size=size)
    sign_in(page, "manager")
    line = Line.objects.get()
    pages = ["/control/", "/control/?table", f"/surges/{surge.pk}/", "/incidents/", "/incidents/enter/", "/components/"]
    for address in [*pages, "/topics/", "/lines/", f"/lines/{line.pk}/", "/lines/announce/", "/lines/new/"]:
        page.goto(address)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


@BOTH
def test_the_pages_of_an_incident_are_for_everybody(
    open_page: Open,
    sign_in: SignIn,
    accessible: Callable[[Page], None],
    incident: Incident,
    dark: bool,
    size: dict[str, int],
) -> None:
    page = open_page(dark=dark, size=size)
    sign_in(page, "manager")
    own = f"/incidents/{incident.pk}/"
    broadcast = reverse("broadcast", args=[incident.broadcasts.get().pk])
    reply = reverse("incident_reply", args=[incident.pk, incident.updates.order_by("pk")[0].pk])
    preview = reverse("incident_preview", args=[incident.preview.token])  # type: ignore[union-attr]
    done = reverse("help_done", args=[web_form.signed("abcd-efgh")])
    pages = ["/control/", "/desk/", "/incidents/", own, f"{own}leave/", broadcast, reply, preview]
    for address in [*pages, "/lines/", "/lines/end/", "/status/", "/status/index.de.html", "/help/", done]:
        page.goto(address)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.goto("/help/")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("A few things to put right")).to_be_visible()
    accessible(page)


def press_until(page: Page, name: str) -> None:
    """Tabs to what bears this name, and sees at every stop where the focus is."""
    for _ in range(120):
        page.keyboard.press("Tab")
        label, seen = page.evaluate(
            "() => { const on = document.activeElement, look = getComputedStyle(on), none = 'none';"
            "return [on.textContent.trim() || on.outerHTML, look.outlineStyle !== none || look.boxShadow !== none] }"
        )
        assert seen, f"nothing shows that the focus is on {label!r}"
        if label.startswith(name):
            return
    raise AssertionError(f"no way by keys to {name}")


def test_incident_mode_is_entered_by_keys_alone(open_page: Open, sign_in: SignIn, surge: Surge) -> None:
    page = open_page()
    sign_in(page, "manager")
    page.goto("/control/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "Enter incident mode")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Calendar does not load” (3)")).to_be_visible()
    press_until(page, "Show what will happen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This is what will happen")).to_be_visible()
    press_until(page, "Enter incident mode")
    # The bar's link comes first; the button that does it stands below the effects.
    press_until(page, "Enter incident mode")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/*/")
    assert Incident.objects.get().problem.title.startswith("Problems with Acme since")


def test_only_what_is_new_of_the_state_is_told_to_those_who_listen(open_page: Open, sign_in: SignIn) -> None:
    page, now = open_page(), timezone.now()
    sign_in(page, "manager")
    SeriesState.objects.create(series="all", ratio=94.2)
    Surge.objects.create(series="all", began_at=now, detected_at=now, peak_ratio=94.2, total=94, expected=1)
    changes.bump("surge")
    expect(page.locator("#news-of-state")).to_have_text("A surge is on.", timeout=15_000)
    page.evaluate("document.getElementById('news-of-state').textContent = ''")
    SeriesState.objects.update(ratio=50)
    changes.bump("surge")
    expect(page.locator("#state")).to_contain_text("×50", timeout=15_000)
    expect(page.locator("#news-of-state")).to_have_text("")
    expect(page.locator("#state [role=status]")).to_have_count(0)
