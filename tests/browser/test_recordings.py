"""Recordings in a real browser: uploaded or spoken into the page, heard before they are published."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import EVERY
from tests.promised import promised
from tests.voice.noises import mp3, wav
from voice import sounds
from voice.models import Announcement, Line
from voice.plan import PLAN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Page]
SignIn = Callable[..., Any]


@pytest.fixture(autouse=True)
def line(settings: Any) -> Line:
    made = Line.objects.create(key="main", name="Support", number="+12025550199", languages=["en", "de"])
    PLAN.refresh()
    return made


@pytest.mark.parametrize("scripts", promised([True, False], [True]))
def test_a_file_is_uploaded_heard_changed_and_announced(
    open_page: Open, sign_in: SignIn, tmp_path: Path, scripts: bool
) -> None:
    (tmp_path / "en.mp3").write_bytes(mp3())
    page = open_page(scripts=scripts)
    sign_in(page, "manager")
    page.goto("/lines/announce/")
    page.get_by_label("Callers hear, in English").fill("We know.")
    page.get_by_label("Recording of it, in English", exact=True).set_input_files(tmp_path / "en.mp3")
    page.get_by_label("Why").fill("Outage")
    page.get_by_role("button", name="Show what callers will hear").click()
    expect(page.locator("audio")).to_have_count(2)  # German callers hear it too: there are no words of theirs
    page.get_by_role("button", name="Change something").click()
    expect(page.get_by_text("16000 samples a second")).to_be_visible()
    page.get_by_role("button", name="Show what callers will hear").click()
    page.get_by_role("button", name="Announce on 1 line").click()
    page.wait_for_url("**/lines/")
    assert sounds.read(Announcement.objects.get().audio["en"]) == mp3()


def test_what_is_spoken_into_the_page_is_what_callers_hear(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    page.context.grant_permissions(["microphone"])
    sign_in(page, "manager")
    page.goto("/lines/announce/")
    page.get_by_label("Callers hear, in German").fill("Wir wissen es.")
    page.get_by_role("button", name=re.compile(r"^Record\b.*German")).click()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Recorded: ")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Listen.*German")).click()
    expect(page.get_by_role("button", name="Stop listening")).to_be_visible()
    page.get_by_label("Why").fill("Outage")
    page.get_by_role("button", name="Show what callers will hear").click()
    page.get_by_role("button", name="Announce on 1 line").click()
    page.wait_for_url("**/lines/")
    sound = sounds.about(Announcement.objects.get().audio["de"])
    assert (sound.kind, sound.rate, sound.channels) == ("WAV", 16_000, 1)
    assert 1.5 < sound.seconds < 5


def test_a_microphone_that_is_refused_is_told_and_a_file_can_be_chosen(open_page: Open, sign_in: SignIn) -> None:
    page = open_page()
    page.context.clear_permissions()
    sign_in(page, "manager")
    page.goto("/lines/announce/")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no')) }")
    page.get_by_role("button", name=re.compile(r"^Record\b.*English")).click()
    expect(page.get_by_text("Allow it, or choose a file.")).to_be_visible()


@EVERY
def test_the_pages_with_recordings_are_accessible_and_fit(
    open_page: Open,
    sign_in: SignIn,
    accessible: Callable[[Page], None],
    tmp_path: Path,
    size: Any,
    dark: bool,
    line: Line,
) -> None:
    (tmp_path / "quiet.wav").write_bytes(wav(loud=0.01))
    Line.objects.update(open_text={"en": "Hello."}, open_audio={"en": sounds.take(wav())})
    page = open_page(size=size, dark=dark)
    sign_in(page, "manager")
    for address in ("/lines/announce/", "/incidents/enter/"):
        page.goto(address)
        page.get_by_label("Callers hear, in English").fill("We know.")
        page.get_by_label("Recording of it, in English", exact=True).set_input_files(tmp_path / "quiet.wav")
        page.locator("form.form .actions button.primary").click()
        expect(page.get_by_text("very quiet")).to_be_visible()
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.goto(f"/lines/{line.pk}/")
    accessible(page)
    page.get_by_label("MP3 or WAV", exact=True).set_input_files(tmp_path / "quiet.wav")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("very quiet")).to_be_visible()
    accessible(page)
