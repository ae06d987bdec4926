"""The lines' pages: what callers hear, announcing and ending with a confirmation, editing, permissions."""

import re
from html import unescape

import pytest

from tests.house import person, problem
from tests.voice.conftest import Caller
from tests.voice.noises import wav
from tickets.models import AuditEntry
from voice import lines, sounds
from voice.models import Announcement, Line
from voice.plan import PLAN

pytestmark = pytest.mark.django_db

WORDS = "We know that logins fail & work on it."


@pytest.fixture
def maya(client):
    manager = person("manager", "Maya Okafor")
    client.force_login(manager)
    return manager


def _page(answer):
    return unescape(answer.content.decode())


def _token(answer):
    return re.search(r'name="token" value="([^"]+)"', _page(answer))[1]


def _asked(*chosen, **more):
    return {"lines": [line.pk for line in chosen], "say_en": WORDS, "say_de": "", "hours": "", "why": "Outage", **more}


def _second() -> Line:
    return Line.objects.create(
        key="uk", name="United Kingdom", number="+442079460000", languages=["en"], time_zone="Europe/London"
    )


def test_the_page_says_exactly_what_a_caller_hears(line, client, maya, caller):
    heard = caller().dials().heard
    page = " ".join(re.sub(r"<[^>]+>", " ", _page(client.get("/lines/"))).split())
    assert heard in page
    lines.announce([line], {"en": WORDS, "de": "Wir wissen davon."}, by=maya, why="Outage")
    PLAN.refresh()
    page = " ".join(re.sub(r"<[^>]+>", " ", _page(client.get("/lines/"))).split())
    assert caller().dials().heard in page
    assert "Wir wissen davon." in page
    assert "by Maya Okafor" in page


def test_an_announcement_is_shown_before_it_is_made(line, client, maya, caller):
    answer = client.post("/lines/announce/", _asked(line))
    assert WORDS in _page(answer)
    assert "No words in German" in _page(answer)
    assert not Announcement.objects.exists()
    client.post("/lines/announce/", {"token": _token(answer)})
    made = Announcement.objects.get()
    assert (made.line, made.text, made.by, made.why, made.until) == (line, {"en": WORDS}, maya, "Outage", None)
    assert AuditEntry.objects.filter(by=maya, action="lines.announce", target="main").count() == 1
    PLAN.refresh()
    assert caller().dials().heard.startswith(WORDS)


def test_pressed_twice_it_is_announced_once(line, client, maya):
    token = _token(client.post("/lines/announce/", _asked(line, hours="2")))
    for _ in range(2):
        client.post("/lines/announce/", {"token": token})
    assert Announcement.objects.count() == 1


def test_only_the_chosen_lines_announce_and_end_by_themselves(line, client, maya):
    other = _second()
    answer = client.post("/lines/announce/", _asked(other, hours="1.5"))
    client.post("/lines/announce/", {"token": _token(answer)})
    made = Announcement.objects.get()
    assert made.line == other
    assert 5395 < (made.until - made.since).total_seconds() <= 5400


def test_an_empty_field_says_the_lines_own_words_by_its_recording(line, client, maya):
    line.incident_text, line.incident_audio = {"en": "Our own words."}, {"en": sounds.take(wav())}
    line.save()
    answer = client.post("/lines/announce/", _asked(line, say_en=""))
    assert f"/voice/audio/{line.incident_audio['en']}/" in _page(answer)
    client.post("/lines/announce/", {"token": _token(answer)})
    made = Announcement.objects.get()
    assert (made.text, made.audio) == ({"en": "Our own words."}, line.incident_audio)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"say_en": ""}, "Support would say nothing"),
        ({"lines": []}, "Choose the lines"),
        ({"why": ""}, "Say in a few words why"),
        ({"hours": "-1"}, "greater than or equal to"),
    ],
)
def test_a_mistake_is_named_and_what_was_written_stays(line, client, maya, change, words):
    answer = client.post("/lines/announce/", {**_asked(line, say_de="Wir wissen es."), "say_de": "", **change})
    assert answer.status_code == 422
    assert words in _page(answer)
    assert ("Outage" in _page(answer)) is ("why" not in change)


def test_a_confirmation_that_was_tampered_with_announces_nothing(line, client, maya):
    token = _token(client.post("/lines/announce/", _asked(line)))
    page = _page(client.post("/lines/announce/", {"token": token + "x"}, follow=True))
    assert "Nothing was announced" in page
    assert not Announcement.objects.exists()


def test_change_something_brings_the_form_back_filled(line, client, maya):
    answer = client.post("/lines/announce/", {**_asked(line), "change": "1"})
    assert answer.status_code == 200
    assert WORDS in _page(answer)
    assert "Show what callers will hear" in _page(answer)


def test_ending_shows_what_is_heard_then_and_ends_only_what_was_ticked(line, client, maya):
    other = _second()
    under = lines.announce([line], {"en": "The older one."}, problem=problem())[0]
    top, elsewhere = lines.announce([line, other], {"en": WORDS})
    page = _page(client.get(f"/lines/end/?line={line.pk}"))
    assert "Then callers hear the announcement under it" in page
    assert "The older one." in page
    assert re.search(rf'value="{top.pk}" checked', page)
    assert not re.search(rf'value="{elsewhere.pk}" checked', page)
    client.post("/lines/end/", {"end": [top.pk], "why": "Over"})
    ended = Announcement.objects.filter(ended_at__isnull=False)
    assert list(ended) == [top]
    assert under.pk not in ended
    entry = AuditEntry.objects.get(action="lines.clear")
    assert (entry.by, entry.target, entry.detail["why"]) == (maya, "main", "Over")


def test_ending_what_is_over_says_so(line, client, maya):
    made = lines.announce([line], {"en": WORDS})[0]
    lines.end([made.pk])
    assert "Nothing was ended" in _page(client.post("/lines/end/", {"end": [made.pk]}, follow=True))


def test_an_agent_sees_the_lines_and_switches_none(line, client):
    client.force_login(person("agent"))
    page = _page(client.get("/lines/"))
    assert "Hello, this is Acme." in page
    assert "Announce" not in page
    for url in ("/lines/announce/", "/lines/end/", "/lines/new/", f"/lines/{line.pk}/"):
        assert client.post(url, _asked(line)).status_code == 403


def test_the_page_costs_the_same_for_one_line_and_for_many(line, client, maya, django_assert_max_num_queries):
    counts = []
    for number in range(3):
        made = Line.objects.create(key=f"line-{number}", name=f"Line {number}", number=f"+120255501{number:02}")
        lines.announce([made], {"en": WORDS}, by=person("manager"), problem=problem())
        with django_assert_max_num_queries(40) as context:
            assert client.get("/lines/").status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[2]


def test_a_call_right_after_the_confirmation_hears_it(line, client, maya, django_capture_on_commit_callbacks):
    token = _token(client.post("/lines/announce/", _asked(line)))
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/lines/announce/", {"token": token})
    assert Caller(client).dials().heard.startswith(WORDS)
