"""The desk in a real browser: sign in, watch the queue fill, answer, by mouse, by keys and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from tests.browser.conftest import EVERY, PHONE
from tests.house import PASSWORD, person, problem, ticket
from tickets import outbox
from tickets.desk import acts, conversation, invitations
from tickets.models import Outgoing, Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Page]
SignIn = Callable[..., Any]


def test_the_queue_fills_by_itself_and_leaves_alone_what_is_read(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    sign_in(page)
    first = ticket("Calendar does not load", waiting=9)
    expect(page.get_by_text("Calendar does not load")).to_be_visible()
    expect(page.locator("#nothing")).to_be_hidden()
    page.get_by_label(f"Select #{first.pk}").check()
    ticket("Cannot sign in", waiting=1)
    acts.assign([first.pk], ben := person(name="Ben Roe"), ben)
    expect(page.locator("#rows tr").nth(1)).to_contain_text("Cannot sign in")
    expect(page.get_by_label(f"Select #{first.pk}")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.locator(f"#who-{first.pk}")).to_contain_text("Ben Roe")


def test_an_agent_takes_the_next_answers_it_and_sees_it_leave(open_page: Open, sign_in: SignIn) -> None:
    page, made = open_page(), ticket("Calendar does not load", address="jo@example.org")
    agent = sign_in(page)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Calendar does not load")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("the text is empty")).to_be_visible()
    page.get_by_label("Reply to").fill("Please try again now.")
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".fate")).to_contain_text("Queued")
    outbox.send(Outgoing.objects.get().pk)
    expect(page.locator(".fate")).to_contain_text("Sent")
    made.refresh_from_db()
    assert made.assignee == agent


def test_the_queue_is_worked_by_keys(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    first, second = ticket("First", waiting=9), ticket("Second", waiting=5)
    sign_in(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.cursor")).to_have_attribute("id", f"ticket-{second.pk}")
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("k")
    expect(page.locator("tr.cursor")).to_have_attribute("id", f"ticket-{first.pk}")
    page.keyboard.press("/")
    page.keyboard.type("njk")
    expect(page.get_by_label("Search tickets")).to_have_value("njk")
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    page.wait_for_url(f"**/tickets/{first.pk}/")


def test_several_are_solved_at_once_and_that_is_undone(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    for n in range(3):
        ticket(f"Request {n}")
    sign_in(page)
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Solve…").click()
    page.get_by_role("button", name="Solve 3").click()
    expect(page.get_by_text("3 tickets solved.")).to_be_visible()
    assert Ticket.objects.filter(state="solved").count() == 3
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#rows tr")).to_have_count(3)


def test_everything_works_without_scripts(open_page: Open, sign_in: SignIn) -> None:
    page, made = open_page(scripts=False), ticket("Calendar does not load")
    sign_in(page)
    page.get_by_label(f"Select #{made.pk}").check()
    page.get_by_role("button", name="Assign…").click()
    page.get_by_role("button", name="Assign 1").click()
    page.get_by_role("link", name="My queue").click()
    page.get_by_role("link", name="Calendar does not load").click()
    page.get_by_label("Reply to").fill("Please try again now.")
    page.get_by_role("button", name="Send and solve").click()
    assert Outgoing.objects.count() == 1
    assert Ticket.objects.get().state == "solved"


@pytest.fixture
def full_house() -> dict[str, str]:
    """Pages with something on each, by name."""
    logins, mia = problem(), person(name="Ada Lind")
    made = ticket("Calendar does not load", waiting=80, problem=logins)
    ticket("لا أستطيع تسجيل الدخول", text="مرحبا", waiting=3, unreadable=True)
    row = conversation.reply(made, mia, "We are on it.", solve=False, seen=10**9)
    Outgoing.objects.filter(pk=row.pk).update(state="uncertain")
    conversation.note(made, mia, "Finance knows.")
    _, token = invitations.invite(mia, note="Kim")
    Ticket.objects.filter(pk=made.pk).update(state="open", waiting_since=made.waiting_since, due_at=made.waiting_since)
    return {
        "queue": "/desk/?view=open",
        "empty queue": "/desk/?view=solved",
        "ticket": f"/tickets/{made.pk}/",
        "search": "/search/?q=calendar",
        "audit": "/audit/",
        "people": "/people/",
        "invitations": "/helpers/",
        "account": "/accounts/2fa/",
        "password": "/accounts/password/change/",
        "invitation": f"/invite/{token}/",
        "not found": "/nothing/here/",
    }


@EVERY
def test_pages_are_accessible_and_fit(
    open_page: Open,
    sign_in: SignIn,
    accessible: Callable[[Page], None],
    full_house: dict[str, str],
    dark: bool,
    size: dict[str, int],
    settings: Any,
) -> None:
    settings.DEMO = True
    page = open_page(dark=dark, size=size)
    page.goto("/accounts/login/")
    accessible(page)
    page.get_by_label("Username or email").fill("nobody@example.com")
    page.get_by_label("Password").fill("no password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").get_by_role("listitem")).to_be_visible()
    accessible(page)
    sign_in(page, "administrator")
    for address in full_house.values():
        page.goto(address)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_waiting_and_due_time_stay_visible_on_a_phone(open_page: Open, sign_in: SignIn, full_house: Any) -> None:
    page = open_page(size=PHONE)
    sign_in(page)
    page.goto("/desk/?view=open")
    row = page.locator("#rows tr").first
    expect(row.locator(".wait")).to_be_in_viewport()
    expect(row.locator(".due")).to_be_in_viewport()
    expect(row.locator(".wait")).to_have_text("1 h 20")
    expect(row.locator(".due")).to_contain_text("Overdue 1 h 20")


def test_whoever_is_signed_out_while_writing_finds_the_text_again(open_page: Open, sign_in: SignIn) -> None:
    page, made = open_page(), ticket()
    agent = sign_in(page)
    page.goto(f"/tickets/{made.pk}/")
    page.get_by_label("Reply to").fill("An answer of ten minutes.")
    page.get_by_text("Add an internal note").click()
    page.get_by_label("Note, for colleagues only").fill("Finance knows.")
    Session.objects.all().delete()
    page.wait_for_url("**/accounts/login/**")
    page.get_by_label("Username or email").fill(agent.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Reply to")).to_have_value("An answer of ten minutes.")
    expect(page.get_by_label("Note, for colleagues only")).to_have_value("Finance knows.")
    expect(page.get_by_text("it was not sent").first).to_be_visible()
    page.reload()
    expect(page.get_by_label("Reply to")).to_have_value("")


def test_what_somebody_had_written_is_not_shown_to_the_next_one(open_page: Open, sign_in: SignIn) -> None:
    page, made = open_page(), ticket()
    sign_in(page)
    page.goto(f"/tickets/{made.pk}/")
    page.get_by_label("Reply to").fill("Between us.")
    Session.objects.all().delete()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, name="Ben Roe")
    page.goto(f"/tickets/{made.pk}/")
    expect(page.get_by_label("Reply to")).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('breakwater-drafts')") is None


def test_what_comes_in_leaves_unfolded_what_is_read_and_the_focus_where_it_was(
    open_page: Open, sign_in: SignIn
) -> None:
    page, made = open_page(), ticket()
    made.entries.update(text="Only a spinner.\n\n> You wrote", visible="Only a spinner.", payload={"problems": ["x"]})
    sign_in(page)
    page.goto(f"/tickets/{made.pk}/")
    page.get_by_text("Quoted text and signature").click()
    page.get_by_role("link", name="Show original").focus()
    conversation.note(made, person(name="Ben Roe"), "Finance knows.")
    expect(page.get_by_text("Finance knows.")).to_be_visible()
    expect(page.get_by_text("> You wrote")).to_be_visible()
    expect(page.get_by_role("link", name="Show original")).to_be_focused()
    page.get_by_text("Quoted text and signature").click()
    conversation.note(made, person(name="Eva Lang"), "It is paid.")
    expect(page.get_by_text("It is paid.")).to_be_visible()
    expect(page.get_by_text("> You wrote")).to_be_hidden()
    expect(page.locator("summary", has_text="Quoted text")).to_be_focused()


def test_without_scripts_a_text_sent_too_late_is_shown_to_be_copied(open_page: Open, sign_in: SignIn) -> None:
    page, made = open_page(scripts=False), ticket()
    sign_in(page)
    page.goto(f"/tickets/{made.pk}/")
    page.get_by_label("Reply to").fill("An answer of ten minutes.")
    Session.objects.all().delete()
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_label("What you had written")).to_have_value("An answer of ten minutes.")
    expect(page.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", f"/accounts/login/?next=/tickets/{made.pk}/"
    )
