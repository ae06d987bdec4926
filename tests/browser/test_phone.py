"""The telephone's pages in a real browser: a simulated call, and the callback that comes of it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import BOTH, EVERY, PHONE, WIDE
from tests.house import PASSWORD
from tests.promised import promised
from tests.voice.noises import wav
from tests.voice.phone_people import wanted
from tickets import intake
from voice import fallback, sounds
from voice.models import Callback, Line
from voice.plan import PLAN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Page]
SignIn = Callable[..., Any]


@pytest.fixture(autouse=True)
def line(settings: Any, live_server: Any) -> Line:
    """A line whose webhooks the running server answers."""
    settings.TWILIO_AUTH_TOKENS, settings.TWILIO_ACCOUNT_SID = ["0123456789abcdef0123456789abcdef"], ""
    settings.PUBLIC_URL, settings.SIMULATOR_BASE = "https://support.example.com", live_server.url
    made = Line.objects.create(
        key="main", name="Support", number="+12025550199", languages=["en"], open_text={"en": "Hello, this is Acme."}
    )
    PLAN.refresh()
    return made


@pytest.mark.parametrize("scripts", promised([True, False], [True]))
def test_a_line_is_dialled_heard_and_asked_to_call_back(open_page: Open, sign_in: SignIn, scripts: bool) -> None:
    page = open_page(scripts=scripts)
    sign_in(page, "manager")
    page.goto("/simulator/")
    page.get_by_label("Your number").fill("+44 20 7946 0011")
    page.get_by_role("button", name="Dial").click()
    heard = page.get_by_role("list", name="What is heard")
    expect(heard).to_contain_text("Hello, this is Acme.")
    page.get_by_role("button", name="1", exact=True).click()
    expect(heard).to_contain_text("will call you back")
    expect(page.get_by_text("The call is over.")).to_be_visible()
    expect(page.get_by_role("button", name="Dial again")).to_be_visible()
    expect(page.get_by_label("Your number")).to_have_value("+442079460011")
    intake.understand_all()
    page.goto("/callbacks/")
    page.get_by_role("link", name="+44 20 7946 0011").click()
    page.get_by_role("button", name="Call now").click()
    expect(page.get_by_text("Simulated: you are connected.")).to_be_visible()
    page.get_by_label("Note").fill("They are fine.")
    page.get_by_role("button", name="Reached").click()
    expect(page.get_by_text("Noted: reached.")).to_be_visible()
    assert Callback.objects.get().state == "done"


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_recording_can_be_played_where_it_is_heard(open_page: Open, sign_in: SignIn, line: Line, size: Any) -> None:
    Line.objects.update(open_audio={"en": sounds.take(wav())})
    PLAN.refresh()
    page = open_page(size=size)
    sign_in(page, "manager")
    page.goto("/simulator/")
    page.get_by_role("button", name="Dial").click()
    player = page.get_by_role("list", name="What is heard").locator("audio").bounding_box()
    assert player is not None
    assert player["width"] > 200


@pytest.mark.parametrize("scripts", promised([True, False], [True]))
def test_a_manager_sees_what_callers_hear_when_we_do_not_answer(
    open_page: Open, sign_in: SignIn, accessible: Callable[[Page], None], scripts: bool
) -> None:
    fallback.export()
    page = open_page(scripts=scripts)
    sign_in(page, "manager")
    page.goto("/simulator/")
    page.get_by_role("button", name="Dial").click()
    page.get_by_text("Requests", exact=False).and_(page.locator("summary")).click()
    page.get_by_label("Our server").select_option("times out")
    page.get_by_label("Statuses that are told").select_option("all at the end, reversed")
    page.get_by_role("button", name="1", exact=True).click()
    heard = page.get_by_role("list", name="What is heard")
    expect(heard).to_contain_text("Twilio asks the fallback.")
    expect(heard).to_contain_text("We cannot be reached by phone just now.")
    if scripts:
        expect(page.get_by_text("POST /voice/main/status/").first).to_be_visible()  # what was unfolded stays so
    else:
        page.get_by_text("Requests", exact=False).and_(page.locator("summary")).click()
    page.get_by_text("fallback storage: voice/main/now.xml").click()
    expect(page.get_by_text("<Response>").filter(visible=True)).to_contain_text("We cannot be reached")
    accessible(page) if scripts else None
    expect(page.get_by_label("Our server")).to_have_value("")


def test_a_simulated_callback_is_played_on_the_page(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    sign_in(page, "manager")
    page.goto("/simulator/")
    page.keyboard.press("d")
    page.get_by_role("button", name="1", exact=True).click()
    expect(page.get_by_text("The call is over.")).to_be_visible()
    intake.understand_all()
    made = Callback.objects.get()
    page.goto(f"/callbacks/{made.pk}/")
    page.get_by_role("button", name="Play the call in the simulator").click()
    page.get_by_role("button", name="An agent answers").click()
    page.get_by_role("button", name="1", exact=True).click()
    page.get_by_role("button", name="The customer answers").click()
    expect(page.get_by_text("The call is over.")).to_be_visible()
    intake.understand_all()
    page.get_by_role("link", name="the callback", exact=True).click()
    expect(page.get_by_text("connected")).to_be_visible()


def test_a_call_is_made_by_keys_alone(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    sign_in(page, "manager")
    page.goto("/simulator/")
    page.keyboard.press("d")
    expect(page.get_by_text("In a call")).to_be_visible()
    page.keyboard.press("2")
    page.get_by_role("button", name="Leave a message").press("Enter")
    expect(page.get_by_role("list", name="What is heard")).to_contain_text("We have your message")


def test_the_list_of_callbacks_fills_by_itself_and_n_takes_the_next(
    open_page: Open, sign_in: SignIn, line: Line
) -> None:
    page = open_page()
    agent = sign_in(page)
    page.goto("/callbacks/")
    expect(page.get_by_text("Nobody waits to be called back.")).to_be_visible()
    made = wanted(line)
    expect(page.get_by_role("link", name="+1 201-555-0123")).to_be_visible()
    page.keyboard.press("n")
    page.wait_for_url(f"**/callbacks/{made.pk}/")
    made.refresh_from_db()
    assert made.agent == agent


@BOTH
def test_the_pages_are_for_everybody(
    open_page: Open, sign_in: SignIn, accessible: Callable[[Page], None], line: Line, dark: bool, size: dict[str, int]
) -> None:
    made, page = wanted(line), open_page(dark=dark, size=size)
    sign_in(page, "manager")
    for address in ("/callbacks/", f"/callbacks/{made.pk}/", "/texts/", "/simulator/"):
        page.goto(address)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.get_by_role("button", name="Dial").click()
    expect(page.get_by_text("In a call")).to_be_visible()
    accessible(page)


@EVERY
def test_a_manager_sets_a_pin_for_the_phone(
    open_page: Open, sign_in: SignIn, accessible: Callable[[Page], None], size: dict[str, int], dark: bool
) -> None:
    page = open_page(size=size, dark=dark)
    sign_in(page, "manager")
    page.goto("/accounts/lines-by-phone/")
    accessible(page)
    page.get_by_label("I call from").fill("+1 201 555 0177")
    page.get_by_label("PIN", exact=True).fill("480917")
    page.get_by_label("The PIN once more").fill("480918")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The two are not the same.")).to_be_visible()
    expect(page.get_by_label("I call from")).to_have_value("+1 201 555 0177")
    accessible(page)
    page.get_by_label("PIN", exact=True).fill("480917")
    page.get_by_label("The PIN once more").fill("480917")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. From the next call on")).to_be_visible()
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
