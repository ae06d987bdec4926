"""Where the keys of somebody who dialled in lead: a table of decisions."""

import re

import pytest

from tests.voice.test_script import NOW, OVERLAY, turn
from voice import dial_in
from voice.dial_in import Order, Pass, Visit, read_pass
from voice.simulator import grammar

HELD = Pass(user=7, sid="CA1", at=int(NOW.timestamp()))
SPOKEN = Pass(user=7, sid="CA1", at=HELD.at, language="de", sound="a" * 64)


def visit(keys="", held=HELD, attempt=0, more=(), **values):
    """A call to the line `main` beside the lines `more` (key → what is different about them)."""
    line = {**turn().line, "group": "", **values}
    line["faces"] = {**line["faces"], "incident": {"text": {"en": "We know."}, "audio": {}}}
    lines = {"main": line, **{key: {**line, "key": key, "overlays": [], **other} for key, other in dict(more).items()}}
    return Visit(line, lines, "en", held, attempt, keys, NOW)


def leads(following):
    """The step that the document leads to with the attempt, and what is held then; or the order."""
    if following.order:
        return following.order
    document = str(following.response)
    assert grammar.faults(document) == ()
    found = re.search(r"/voice/main/dial-in/(\w+)/([^/]+)/en/(\d)/", document)
    return (found[1], int(found[3]), read_pass(found[2], "CA1", NOW)) if found else "the end"


def held(of=HELD, **values):
    return dial_in.replace(of, **values)


UK, GROUPED = {"uk": {}}, {"uk": {"group": "Europe"}, "us": {"group": ""}}
GERMAN = {"de": {"languages": ["de"]}}


@pytest.mark.parametrize(
    ("step", "given", "leads_to"),
    [
        (dial_in.choose, {"keys": "1"}, ("language", 0, HELD)),
        (dial_in.choose, {"keys": "1", "languages": ["en"]}, ("recorded", 0, held(language="en"))),
        (dial_in.choose, {"keys": "1", "languages": ["en"], "more": GERMAN}, ("language", 0, HELD)),
        (dial_in.choose, {"keys": "9"}, ("choose", 1, HELD)),
        (dial_in.choose, {"keys": "9", "overlays": [OVERLAY]}, Order("clear", ["main"], "", "")),
        (dial_in.choose, {"keys": "9", "overlays": [OVERLAY], "more": UK}, ("where", 0, held(deed="clear"))),
        (dial_in.choose, {"keys": "5"}, ("choose", 1, HELD)),
        (dial_in.choose, {"keys": "", "attempt": 2}, "the end"),
        (dial_in.choose_language, {"keys": "2"}, ("recorded", 0, held(language="de"))),
        (dial_in.choose_language, {"keys": "3"}, ("language", 1, HELD)),
        (dial_in.choose_language, {"keys": "0"}, ("language", 1, HELD)),
        (dial_in.choose_language, {"keys": "*", "attempt": 2}, "the end"),
        (dial_in.decide, {"keys": "1", "held": SPOKEN}, Order("announce", ["main"], "de", "a" * 64)),
        (dial_in.decide, {"keys": "1", "held": SPOKEN, "more": UK}, ("where", 0, SPOKEN)),
        (dial_in.decide, {"keys": "2", "held": SPOKEN}, ("recorded", 0, held(SPOKEN, sound=""))),
        (dial_in.decide, {"keys": "3", "held": SPOKEN}, ("decide", 0, held(SPOKEN, sound=""))),
        (dial_in.decide, {"keys": "9", "held": SPOKEN}, ("decide", 1, SPOKEN)),
        (dial_in.instead, {"keys": "1"}, ("instead", 1, HELD)),
        (dial_in.instead, {"keys": "2"}, ("recorded", 0, HELD)),
        (dial_in.instead, {"keys": "3"}, ("decide", 0, HELD)),
        (dial_in.where, {"keys": "1", "held": SPOKEN, "more": UK}, Order("announce", ["main", "uk"], "de", "a" * 64)),
        (dial_in.where, {"keys": "2", "held": SPOKEN, "more": UK}, Order("announce", ["main"], "de", "a" * 64)),
        (
            dial_in.where, {"keys": "2", "held": SPOKEN, "more": GROUPED, "group": "Europe"},
            Order("announce", ["main", "uk"], "de", "a" * 64),
        ),
        (dial_in.where, {"keys": "3", "held": SPOKEN, "more": UK}, ("where", 1, SPOKEN)),
        (dial_in.where, {"keys": "", "held": SPOKEN, "more": UK, "attempt": 2}, "the end"),
    ],
)  # fmt: skip
def test_where_a_key_leads(step, given, leads_to):
    assert leads(step(visit(**given))) == leads_to


@pytest.mark.parametrize("attempt", range(dial_in.FETCHES))
def test_a_recording_is_looked_for_until_the_other_ways_are_offered(attempt):
    following = dial_in.fetch(visit(held=held(recording="https://api.twilio.com/RE1"), attempt=attempt))
    step, tries, kept = leads(following)
    last = attempt == dial_in.FETCHES - 1
    assert (step, tries) == (("instead", 0) if last else ("fetch", attempt + 1))
    assert bool(kept.recording) is not last
    assert following.fetch.held.recording


@pytest.mark.parametrize(
    ("lines", "words"), [({}, "An announcement is on."), (UK, "An announcement is on, on 1 of 2 lines.")]
)
def test_what_is_on_is_told_before_anything_is_asked(lines, words):
    said = str(dial_in.welcome(visit(overlays=[OVERLAY], more=lines)))
    assert words in said
    assert "press 9" in said


def test_there_are_no_more_languages_than_keys():
    many = [f"x{number}" for number in range(12)]
    assert str(dial_in.choose(visit("1", languages=many)).response).count("To speak in") == 9
