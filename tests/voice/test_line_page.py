"""One line's page: editing, hours, recordings; what is wrong is named, what changed is in the audit trail."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.house import person
from tests.voice.noises import mp3, wav
from tests.voice.phone_people import make_agent
from tickets import blobs
from tickets.models import AuditEntry
from voice import sounds
from voice.line_forms import DAYS, LineForm, spans
from voice.models import AgentPhone, Line
from voice.plan import PLAN, is_open

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(client):
    manager = person("manager", "Maya Okafor")
    client.force_login(manager)
    return manager


def _page(answer):
    return unescape(answer.content.decode())


def _filled(line, **changes):
    """The form as a browser would send it back."""
    form = LineForm(line=line)
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in {**values, **changes}.items() if value not in (None, False)}


def _edit(client, line, **changes):
    answer = client.post(f"/lines/{line.pk}/", _filled(line, **changes))
    line.refresh_from_db()
    return answer


def test_a_line_is_edited_and_the_trail_says_what_changed(line, client, maya, caller):
    answer = _edit(client, line, open_en="Good morning.", time_zone="Europe/Berlin")
    assert answer.status_code == 302
    assert (line.open_text["en"], line.time_zone) == ("Good morning.", "Europe/Berlin")
    entry = AuditEntry.objects.get(action="line.edit")
    assert (entry.by, entry.target) == (maya, "main")
    assert entry.detail["time_zone"] == ["UTC", "Europe/Berlin"]
    assert set(entry.detail) == {"time_zone", "open_text"}
    PLAN.refresh()
    assert caller().dials().heard.startswith("Good morning.")


def test_saving_without_a_change_leaves_no_trace(line, client, maya):
    before = Line.objects.values().get()
    page = _page(client.post(f"/lines/{line.pk}/", _filled(line), follow=True))
    assert "Nothing was changed" in page
    assert Line.objects.values().get() == before
    assert not AuditEntry.objects.exists()


def test_hours_are_written_as_people_write_them(line, client, maya):
    _edit(client, line, always=False, day_0="9:00-12.30; 14:00 – 24:00", day_6="")
    assert line.hours == {"0": [["09:00", "12:30"], ["14:00", "24:00"]]}


def test_no_hours_at_all_and_not_always_open_means_closed(line, client, maya, noon):
    _edit(client, line, always=False)
    PLAN.refresh()
    document = PLAN.current()["lines"]["main"]
    assert not any(is_open(document, datetime(2026, 3, day, 12, tzinfo=UTC)) for day in range(1, 8))
    assert LineForm(line=line)["always"].value() is False


@pytest.mark.parametrize(
    ("entered", "words"),
    [
        ("nine to five", "are no hours"),
        ("09:00", "are no hours"),
        ("25:00–26:00", "no time of day"),
        ("22:00–02:00", "ends before it begins"),
        ("10:00–10:00", "ends before it begins"),
    ],
)
def test_wrong_hours_are_explained(entered, words):
    with pytest.raises(ValueError, match=words):
        spans(entered)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "12"}, "no phone number"),
        ({"number": "+442079460000"}, "United Kingdom has this number already"),
        ({"languages": "en, klingon speech"}, "klingon is no language"),
        ({"holidays": "Christmas"}, "Christmas is no day"),
        ({"rings": "+19005550100"}, "Premium"),
        ({"rings": "+12025550199"}, "rings itself"),
        ({"rings": "hello"}, "hello is no phone number"),
        ({"day_2": "late"}, "are no hours"),
        ({"time_zone": "Mars/Olympus"}, "not one of the available choices"),
    ],
)
def test_a_mistake_is_named_and_what_was_entered_stays(line, client, maya, change, words):
    Line.objects.create(key="uk", name="United Kingdom", number="+442079460000", languages=["en"])
    answer = _edit(client, line, open_en="Kept words.", **change)
    assert answer.status_code == 422
    assert words in _page(answer)
    assert "Kept words." in _page(answer)
    assert line.open_text["en"] == "Hello, this is Acme."


def test_an_edit_of_somebody_else_meanwhile_is_not_overwritten_unseen(line, client, maya):
    mine = _filled(line, open_en="Mine.")
    _edit(client, line, closed_en="Theirs.")
    answer = client.post(f"/lines/{line.pk}/", mine)
    assert answer.status_code == 422
    assert "Somebody changed this line" in _page(answer)
    line.refresh_from_db()
    assert (line.open_text["en"], line.closed_text["en"]) == ("Hello, this is Acme.", "Theirs.")
    seen = re.search(r'name="seen" value="(\w+)"', _page(answer))[1]
    assert client.post(f"/lines/{line.pk}/", {**mine, "seen": seen}).status_code == 302


def test_words_of_a_language_that_is_taken_out_come_back_with_it(line, client, maya):
    _edit(client, line, languages="en")
    assert line.open_text["de"] == "Hallo, hier ist Acme."
    _edit(client, line, languages="en de")
    assert 'name="open_de"' in _page(client.get(f"/lines/{line.pk}/"))


@pytest.mark.parametrize("name", ["Österreich", "Audio", "日本"])
def test_a_new_line_answers_calls(client, maya, caller, name):
    values = {"name": name, "number": "+43 1 2345678", "languages": "de", "time_zone": "Europe/Vienna"}
    answer = client.post("/lines/new/", {**values, "always": "on", "active": "on"})
    made = Line.objects.get()
    assert answer.url == f"/lines/{made.pk}/"
    assert made.number == "+4312345678"
    assert AuditEntry.objects.get(action="line.add").target == made.key
    PLAN.refresh()
    assert "drücken Sie die 1" in caller().dials(made.key).heard


def test_a_new_line_starts_with_the_hours_and_the_language_of_the_house(client, maya, settings):
    settings.TIME_ZONE, settings.LANGUAGE_CODE = "Europe/Vienna", "de"
    form = client.get("/lines/new/").context["form"]
    assert (form["time_zone"].value(), form["languages"].value()) == ("Europe/Vienna", "de")


def test_a_language_that_our_sentences_are_not_written_in_is_named(line, client, maya):
    assert "are not written in" not in _page(client.get(f"/lines/{line.pk}/"))
    _edit(client, line, languages="en fr-CA de-AT")
    page = _page(client.get(f"/lines/{line.pk}/"))
    assert "are not written in French yet: callers hear them in English." in page


def test_two_lines_of_one_name_have_keys_of_their_own(client, maya):
    for number in ("+4312345678", "+4312345679"):
        values = {"name": "Wien", "number": number, "languages": "de", "time_zone": "UTC", "active": "on"}
        assert client.post("/lines/new/", values).status_code == 302
    assert sorted(Line.objects.values_list("key", flat=True)) == ["wien", "wien-2"]


def _upload(client, line, content, face="open", language="en", name="hello.wav"):
    file = SimpleUploadedFile(name, content)
    return client.post(f"/lines/{line.pk}/audio/", {"face": face, "language": language, "file": file})


@pytest.mark.parametrize("content", [wav(), mp3()])
def test_a_recording_is_listened_to_published_heard_and_taken_away(line, client, maya, caller, content):
    answer = _upload(client, line, content)
    source = re.search(r'<audio controls src="([^"]+)"', _page(answer))[1]
    assert client.get(source).content == content
    line.refresh_from_db()
    assert line.open_audio == {}
    token = re.search(r'name="token" value="([^"]+)"', _page(answer))[1]
    client.post(f"/lines/{line.pk}/audio/publish/", {"token": token})
    PLAN.refresh()
    assert caller().dials().document.find(".//Play").text == source
    client.post(f"/lines/{line.pk}/audio/remove/", {"face": "open", "language": "en"})
    PLAN.refresh()
    assert caller(sid="CA" + "2" * 32).dials().heard.startswith("Hello, this is Acme.")
    assert AuditEntry.objects.filter(by=maya, action="line.audio", target="main").count() == 2


def test_a_recording_that_cannot_be_heard_is_refused(line, client, maya):
    answer = _upload(client, line, wav(loud=0))
    assert answer.status_code == 422
    assert "This recording is silent" in _page(answer)
    assert "Choose a file" in _page(client.post(f"/lines/{line.pk}/audio/", {"face": "open", "language": "en"}))


def test_a_recording_that_is_gone_is_not_published_and_one_that_was_lost_is_told(line, client, maya):
    token = re.search(r'name="token" value="([^"]+)"', _page(_upload(client, line, wav())))[1]
    (kept,) = blobs.all_on(sounds.SHELF)
    kept.unlink()
    answer = client.post(f"/lines/{line.pk}/audio/publish/", {"token": token}, follow=True)
    assert "Upload it again" in _page(answer)
    assert Line.objects.get().open_audio == {}
    Line.objects.update(open_audio={"en": kept.name})
    assert "The file is gone" in _page(client.get(f"/lines/{line.pk}/"))


def test_a_recording_is_published_only_where_it_was_checked(line, client, maya):
    other = Line.objects.create(key="uk", name="United Kingdom", number="+442079460000", languages=["en"])
    token = re.search(r'name="token" value="([^"]+)"', _page(_upload(client, line, wav())))[1]
    for pk, sent in ((other.pk, token), (line.pk, token + "x"), (line.pk, "")):
        client.post(f"/lines/{pk}/audio/publish/", {"token": sent})
    assert not Line.objects.exclude(open_audio={}).exists()


@pytest.mark.parametrize("place", [{"face": "key", "language": "en"}, {"face": "open", "language": "fr"}])
def test_there_is_no_recording_for_what_a_line_does_not_say(line, client, maya, place):
    assert client.post(f"/lines/{line.pk}/audio/remove/", place).status_code == 404


def test_every_day_of_the_week_has_its_field(line, client, maya):
    page = _page(client.get(f"/lines/{line.pk}/"))
    assert all(f">{day}</label>" in page for day in DAYS)


def test_a_line_rings_colleagues_on_the_phones_they_named(client, line, maya, caller, django_assert_max_num_queries):
    ada, bob, cleo = make_agent("ada"), person("agent", "Bob"), make_agent("cleo")
    AgentPhone.objects.filter(user=cleo).update(number="+19005550100")
    _edit(client, line, agents=[ada.pk, bob.pk, cleo.pk], rings="+12025550112")
    assert sorted(line.agents.values_list("pk", flat=True)) == sorted([ada.pk, bob.pk, cleo.pk])
    assert "agents" in AuditEntry.objects.get(action="line.edit").detail
    PLAN.refresh()
    # Bob has not said on which phone, and nobody pays for a premium number.
    ringing = [number.text for number in caller().dials().document.iter("Number")]
    assert ringing == ["+12025550112", "+12025550111"]
    AgentPhone.objects.filter(user=ada).update(number="+12025550113")
    with django_assert_max_num_queries(6):
        PLAN.refresh()
    assert PLAN.current()["lines"]["main"]["rings"] == ["+12025550112", "+12025550113"]
    _edit(client, line, agents=[], rings="")
    PLAN.refresh()
    assert caller(sid="CA" + "2" * 32).dials().document.find("Dial") is None


def test_more_phones_than_can_ring_at_once_are_refused(client, line, maya):
    people = [person() for _ in range(8)]
    numbers = "\n".join(f"+1202555010{place}" for place in range(3))
    answer = _edit(client, line, agents=[one.pk for one in people], rings=numbers)
    assert answer.status_code == 422
    assert "10 phones at most can ring at once" in _page(answer)
