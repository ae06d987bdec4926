"""A manager enters, updates and leaves incident mode in a real browser, with script and without."""

import re

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from triage.incidents import jobs
from triage.models import Incident, Job

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_incident_mode_is_entered_updated_and_left(browser, live_server, client, maya, lines, login, write, script):
    write("ann@example.com")
    client.force_login(maya)
    context = browser.new_context(java_script_enabled=script)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page = context.new_page()
    see = expect

    page.goto(live_server.url + reverse("incident_enter"))
    page.get_by_label("Title").fill("Logins fail")
    page.get_by_label("First public update").fill("We are looking into it.")
    page.get_by_role("button", name="Show what will happen").click()
    see(page.get_by_text("We know.").first).to_be_visible()
    see(page.get_by_text("1 person gets one mail each")).to_be_visible()
    assert not Incident.objects.exists()
    page.get_by_role("button", name="Enter incident mode").click()
    see(page.locator("#state.incident")).to_contain_text("Logins fail")
    see(page.locator("#state")).to_contain_text("2 lines announcing")

    for job in Job.objects.order_by("pk"):
        assert jobs.expand(job.pk)
    page.get_by_label("What is new").fill("It is the database.")
    page.get_by_label("We are").select_option("identified")
    page.get_by_role("button", name="Post update").click()
    see(page.get_by_text("The update is on the status page.")).to_be_visible()
    page.goto(live_server.url + reverse("status"))
    see(page.locator(".update").first).to_contain_text("It is the database.")

    page.goto(live_server.url + reverse("incident", args=[Incident.objects.get().pk]))
    page.get_by_role("link", name=re.compile("Leave incident mode")).click()
    see(page.get_by_text("Support UK")).to_be_visible()
    page.get_by_role("button", name="Leave incident mode").click()
    see(page.get_by_role("heading", name="Closing reply")).to_be_visible()
    see(page.locator("#state.incident")).to_have_count(0)
    page.get_by_role("button", name="Send and solve").click()
    see(page.locator("progress")).to_be_visible()
    context.close()
