from datetime import UTC, datetime

import pytest

from voice import script
from voice.script import ATTEMPTS, Turn
from voice.simulator import grammar
from voice.standing import Wait

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
RINGS = ["+12025550111"]


def turn(**values):
    line = {
        "key": "main",
        "number": "+12025550199",
        "languages": ["en", "de"],
        "time_zone": "UTC",
        "hours": {},
        "holidays": [],
        "rings": [],
        "offers_agent": False,
        "overlays": [],
        "faces": {"open": {"text": {"en": "Hello."}, "audio": {}}, "closed": {"text": {}, "audio": {}}},
    }
    line |= values.pop("line", {})
    given = {"language": "en", "attempt": 0, "caller": "+12015550123", "keys": "", "now": NOW, "countries": ("US",)}
    return Turn(line=line, **{**given, **values})


def leads(response):
    """The verbs of a document, and where each leads."""
    assert grammar.faults(str(response)) == ()
    return [(verb.name, verb.attrs["action"]) if "action" in verb.attrs else (verb.name, "") for verb in response.verbs]


OVERLAY = {"id": 1, "since": NOW.isoformat(), "until": None, "problem": 7, "text": {}, "audio": {}, "local": ""}
# What leads to a recording: that it is one, what to say, the tone, and a goodbye to whoever says nothing.
MESSAGE = [("Say", ""), ("Say", ""), ("Record", "/voice/main/recording/en/0/"), ("Say", "")]
INCIDENT = {"overlays": [OVERLAY], "rings": RINGS, "offers_agent": True}
CALLED_BACK = {"choice": "callback", "callback": "+12015550123", "language": "en"}
TEXTED = {"choice": "text", "text": "+12015550123", "problem": 7, "language": "en"}


@pytest.mark.parametrize(
    ("given", "keys", "leads_to", "facts"),
    [
        ({"kind": "open"}, "1", [("Say", ""), ("Hangup", "")], CALLED_BACK),
        ({"kind": "open"}, "2", MESSAGE, {"choice": "voicemail_asked"}),
        ({"kind": "closed"}, "2", MESSAGE, None),
        ({"kind": "incident"}, "2", [("Gather", "/voice/main/number/en/0/")], {"choice": "other_number"}),
        ({"kind": "incident", "line": INCIDENT}, "0", [("Dial", "/voice/main/dialled/en/0/")], {"choice": "stay"}),
        # agents are offered in incident mode only, where there are any, and where the line offers them
        ({"kind": "open", "line": INCIDENT}, "0", [("Gather", "/voice/main/menu/open/en/1/")], {}),
        (
            {"kind": "incident", "line": {**INCIDENT, "rings": []}},
            "0",
            [("Gather", "/voice/main/menu/incident/en/1/")],
            {},
        ),
        (
            {"kind": "incident", "line": {**INCIDENT, "offers_agent": False}},
            "0",
            [("Gather", "/voice/main/menu/incident/en/1/")],
            {},
        ),
        # who withholds the number, or has one that may not be called, is asked for one
        ({"kind": "open", "caller": ""}, "1", [("Gather", "/voice/main/number/en/0/")], {"choice": "other_number"}),
        (
            {"kind": "open", "caller": "+442079460000"},
            "1",
            [("Say", ""), ("Gather", "/voice/main/number/en/0/")],
            {"choice": "other_number"},
        ),
        # the status page by text message: in incident mode, where a text arrives
        ({"kind": "incident", "line": INCIDENT}, "3", [("Say", ""), ("Hangup", "")], TEXTED),
        ({"kind": "open", "line": INCIDENT}, "3", [("Gather", "/voice/main/menu/open/en/1/")], {}),
        ({"kind": "incident", "caller": ""}, "3", [("Gather", "/voice/main/menu/incident/en/1/")], {}),
        (
            {"kind": "incident", "caller": "+442079460000", "countries": ("GB",)},
            "3",
            [("Gather", "/voice/main/menu/incident/en/1/")],
            {},
        ),
        # languages
        ({"kind": "open"}, "9", [("Gather", "/voice/main/menu/open/de/1/")], None),
        ({"kind": "open", "language": "de"}, "9", [("Gather", "/voice/main/menu/open/en/1/")], None),
        ({"kind": "open", "line": {"languages": ["en"]}}, "9", [("Gather", "/voice/main/menu/open/en/1/")], {}),
        # no key, several, none that is known: again, and after the last attempt goodbye
        *(
            ({"kind": "open"}, keys, [("Gather", "/voice/main/menu/open/en/1/")], {})
            for keys in ("", "7", "11", "#", "١")
        ),
        ({"kind": "open", "attempt": ATTEMPTS - 1}, "7", [("Say", ""), ("Hangup", "")], {}),
        ({"kind": "nonsense"}, "7", [("Gather", "/voice/main/menu/nonsense/en/1/")], {}),
    ],
)
def test_where_a_key_leads(given, keys, leads_to, facts):
    reply = script.menu(turn(keys=keys, **given))
    assert leads(reply.response) == leads_to
    if facts is not None:
        assert {name: value for name, value in reply.facts.items() if value is not None} == facts


def test_a_callback_is_told_with_the_problem_that_is_announced():
    assert script.menu(turn(keys="1", kind="incident", line=INCIDENT)).facts["problem"] == 7
    assert script.confirm(turn(keys="1", number="12015550188", line=INCIDENT)).facts["problem"] == 7


@pytest.mark.parametrize(
    ("ended", "leads_to", "choice"),
    [
        ("completed", [("Hangup", "")], "agent"),
        ("answered", [("Hangup", "")], "agent"),
        *(
            (ended, [("Say", ""), ("Gather", "/voice/main/menu/open/en/1/")], "nobody_free")
            for ended in ("busy", "no-answer", "failed", "canceled", "", "nonsense")
        ),
    ],
)
def test_after_ringing_the_call_is_over_or_a_new_attempt_begins(ended, leads_to, choice):
    reply = script.dialled(turn(dialled=ended))
    assert (leads(reply.response), reply.facts["choice"]) == (leads_to, choice)


@pytest.mark.parametrize(
    ("keys", "attempt", "leads_to"),
    [
        ("2015550188", 0, [("Gather", "/voice/main/confirm/12015550188/en/0/")]),
        ("12015550188", 2, [("Gather", "/voice/main/confirm/12015550188/en/2/")]),
        *((keys, 0, [("Say", ""), ("Gather", "/voice/main/number/en/1/")]) for keys in ("", "911", "19005550123", "*")),
        ("011442079460000", 1, [("Say", ""), ("Gather", "/voice/main/number/en/2/")]),
        ("911", ATTEMPTS - 1, [("Say", ""), ("Hangup", "")]),
    ],
)
def test_a_number_is_read_back_or_asked_for_again(keys, attempt, leads_to):
    assert leads(script.number(turn(keys=keys, attempt=attempt)).response) == leads_to


@pytest.mark.parametrize(
    ("keys", "attempt", "number", "leads_to", "callback"),
    [
        ("1", 0, "12015550188", [("Say", ""), ("Hangup", "")], "+12015550188"),
        ("2", 0, "12015550188", [("Gather", "/voice/main/number/en/1/")], None),
        ("", 1, "12015550188", [("Gather", "/voice/main/number/en/2/")], None),
        ("2", ATTEMPTS - 1, "12015550188", [("Say", ""), ("Hangup", "")], None),
        # the number stands in the address: what may not be called is refused here as well
        ("1", 0, "19005550123", [("Say", ""), ("Hangup", "")], None),
        ("1", 0, "nonsense", [("Say", ""), ("Hangup", "")], None),
    ],
)
def test_a_number_counts_once_it_is_confirmed(keys, attempt, number, leads_to, callback):
    reply = script.confirm(turn(keys=keys, attempt=attempt, number=number))
    assert (leads(reply.response), reply.facts.get("callback")) == (leads_to, callback)


@pytest.mark.parametrize(
    ("text", "audio", "language", "heard"),
    [
        ({"en": "Hello.", "de": "Hallo."}, {}, "de", "Hallo."),
        ({"en": "Hello."}, {}, "de", "Hello."),
        ({"de": "Hallo."}, {}, "en", "Hallo."),
        ({"en": "Hello.", "de": "  "}, {}, "de", "Hello."),
        ({"en": "Hello."}, {"en": "a" * 64}, "en", f"/voice/audio/{'a' * 64}/"),
        # what is said in one's own language comes before what is recorded in another
        ({"de": "Hallo."}, {"en": "a" * 64}, "de", "Hallo."),
        ({"fr": "Bonjour."}, {}, "en", None),
        ({}, {}, "de", None),
    ],
)
def test_the_nearest_language_that_a_line_has_is_heard(text, audio, language, heard):
    faces = {"open": {"text": text, "audio": audio}}
    reply = script.answer(turn(language=language, line={"faces": faces}))
    words = [verb.value for verb in reply.response.verbs[0].verbs]
    assert all(words)
    assert heard is None or words[0] == heard
    assert "Bonjour." not in words


def words_of(response):
    return [said.value for verb in response.verbs for said in [verb, *verb.verbs] if said.name == "Say"]


@pytest.mark.parametrize(
    ("known", "language", "said"),
    [
        ({"known_since": "2026-03-02T14:05:00+00:00"}, "en", ["We have known of this since 9:05."]),
        ({"known_since": "2026-03-01T14:05:00+00:00"}, "en", ["We have known of this since Sunday at 9:05."]),
        ({"known_since": "2026-03-01T14:05:00+00:00"}, "de", ["Das ist uns seit Sonntag, 9:05 Uhr bekannt."]),
        ({"next_update": "2026-03-02T15:30:00+00:00"}, "en", ["We will tell you more by 10:30."]),
        # a promise that was broken is not told again
        ({"next_update": "2026-03-02T14:59:00+00:00"}, "en", []),
        ({}, "en", []),
    ],
)
def test_a_caller_hears_since_when_it_is_known_and_when_more_is_told(known, language, said):
    line = {"overlays": [OVERLAY | known | {"text": {"en": "It fails.", "de": "Es geht nicht."}}]}
    heard = words_of(script.answer(turn(line=line | {"time_zone": "America/New_York"}, language=language)).response)
    assert heard[1 : 1 + len(said)] == said
    assert not [words for words in heard[1 + len(said) :] if "known" in words or "tell you more" in words]


@pytest.mark.parametrize(
    ("stands", "wait", "said"),
    [
        (False, None, ["Thank you. We have noted your number and will call you back. You can hang up now."]),
        (True, None, ["Your callback stands already, and your place is kept. You need not call again."]),
        (True, Wait(20, 45), [..., "We expect to call you in 20 to 45 minutes."]),
        (True, Wait(0, 15), [..., "We expect to call you within 15 minutes."]),
        (False, Wait(100, 190), [..., "We expect to call you in 1 to 4 hours."]),
    ],
)
def test_who_asks_to_be_called_back_is_told_whether_it_stands_and_roughly_when(stands, wait, said):
    heard = words_of(script.menu(turn(keys="1", kind="open", stands=stands, wait=wait)).response)
    assert len(heard) == len(said)
    assert all(told in (..., words) for told, words in zip(said, heard, strict=True))


@pytest.mark.parametrize(("says", "told"), [(True, True), (False, False), (None, True)])
def test_who_is_recorded_is_told_before_unless_the_line_says_otherwise(says, told):
    given = {} if says is None else {"line": {"says_recorded": says}}
    verbs = script.menu(turn(kind="closed", keys="2", language="de", **given)).response.verbs
    before = " ".join(verb.value for verb in verbs[: [verb.name for verb in verbs].index("Record")])
    assert ("wird aufgezeichnet" in before) is told


def test_what_many_callers_hear_is_written_once_and_anew_for_whoever_hears_something_else():
    first, same = (script.answer(turn(caller=caller)).response for caller in ("+12015550123", "+12015550124"))
    assert first is same
    assert str(first) is str(same)
    others = [
        turn(caller=""),
        turn(language="de"),
        turn(attempt=1),
        turn(line={"key": "second"}),
        turn(line={"faces": {"open": {"text": {"en": "Good day."}, "audio": {}}}}),
        turn(line=INCIDENT),
    ]
    assert len({str(script.answer(other).response) for other in [turn(), *others]}) == 1 + len(others)


def test_9_leads_to_the_language_that_is_offered_and_each_is_named_in_itself():
    line = {"languages": ["en", "de", "fr"]}
    names = {"en": "English", "de": "Deutsch", "fr": "Français"}
    spoken, offered = "en", []
    for _ in range(3):
        menu = script.answer(turn(line=line, language=spoken)).response.verbs[0]
        following = script.menu(turn(line=line, language=spoken, kind="open", keys="9")).facts["language"]
        assert names[following] in menu.verbs[-1].value
        offered.append(following)
        spoken = following
    assert offered == ["de", "fr", "en"]
