"""Entries of the audit trail in plain words, known keys and unknown ones."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from tickets.wording import words
from triage.trail.wording import Detail, colleagues_in, details, what

EFFECTS = {
    "title": "Logins failing",
    "impact": "major",
    "started_at": "2026-03-01T12:00:00+00:00",
    "lines": [{"id": 1, "name": "Support UK", "says": []}, {"id": 2, "name": "Support DE", "says": []}],
    "notice": {"en": "We know."},
    "status": {
        "status": "investigating",
        "body": "We look into it.",
        "next_update_minutes": 30,
        "components": [{"id": 1, "name": "Login", "status": "major_outage"}],
        "subscribers": 2,
    },
    "link": {"tickets": 41},
    "answer": {"people": 37},
}


def said(action, **detail):
    return details(action, detail, words("trail", "en"), {7: "Ada Byron"})


@pytest.mark.parametrize(
    ("action", "detail", "expected"),
    [
        ("broadcast.make", {"incident": 3, "solves": False}, [Detail("Solves the tickets", "no")]),
        ("person.role", {"role": "manager", "was": "agent"}, [Detail("Role", "manager", "agent")]),
        ("notice.show", {"laid_over": "ack"}, [Detail("Where", "acknowledgement mail")]),
        ("topic.rename", {"name": "Log-in", "was": "Login"}, [Detail("Name", "Log-in", "Login")]),
        ("component.save", {"status": "major_outage", "was": "operational"},
         [Detail("Status", "major outage", "operational")]),
        ("component.save", {"status": "operational", "was": ""}, [Detail("Status", "operational")]),
        ("ticket.reply", {"outgoing": 8, "solve": True}, [Detail("Solved as well", "yes")]),
        ("ticket.assign", {"words": "assigned to Ada", "tickets": [4]}, []),
        ("callback.reassign", {"to": 7}, [Detail("To", "Ada Byron")]),
        ("callback.reassign", {"to": 8}, [Detail("To", "person 8")]),
        ("alert_route.save", {"step": 2, "on": True},
         [Detail("Told", "when nobody has acknowledged"), Detail("On", "yes")]),
        ("topic.add", {"words": ["log*", "sign in"]}, [Detail("Words", "log*, sign in")]),
        ("surge.declare", {"since": "2026-03-01T12:00:00+00:00", "why": ""},
         [Detail("Since", datetime(2026, 3, 1, 12, tzinfo=UTC))]),
        ("line.edit", {"agents": [[], [7]], "active": [True, False]},
         [Detail("Rings colleagues", "Ada Byron", "nothing"), Detail("Answers calls", "no", "yes")]),
        ("line.edit", {"hours": [{"0": [["09:00", "17:00"]], "1": []}, {"0": [["08:00", "12:00"]], "1": []}]},
         [Detail("Hours, Monday", "08:00–12:00", "09:00–17:00")]),
        ("line.audio", {"open_audio_en": ["", "a" * 64]}, [Detail("Open audio en", "a recording", "nothing")]),
        ("line.add", {"number": [None, "+442079460800"], "group": [None, ""]}, [Detail("Number", "+44 20 7946 0800")]),
        ("number.mend", {"was": {"voice_url": "https://old.example"}}, [Detail("Voice url", "https://old.example")]),
        ("odd.thing", {"some_map": {"a": [1, 2]}, "none": None}, [Detail("Some map", "a: 1, 2")]),
    ],
)  # fmt: skip
def test_details_are_worded(action, detail, expected):
    assert said(action, **detail) == expected


def test_entering_incident_mode_tells_what_it_did_and_not_how_it_was_kept():
    told = {one.label: one.value for one in said("incident.enter", effects=EFFECTS)}
    assert told == {
        "Lines": "Support UK, Support DE",
        "Status": "investigating",
        "Words": "We look into it.",
        "Impact": "major",
        "Since": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "Components": "Login: major outage",
        "Open tickets linked": "41",
        "Answered by mail": "37",
        "Next update within": "30 minutes",
    }


@pytest.mark.parametrize("effects", [{}, {"link": None, "answer": None, "status": None, "lines": None}, []])
def test_entering_with_little_is_told_as_well(effects):
    assert said("incident.enter", effects=effects) == []


@pytest.mark.parametrize(
    ("action", "detail", "expected"),
    [
        ("incident.enter", {}, "Entered incident mode"),
        ("ticket.assign", {"words": "assigned to Ada"}, "Assigned to Ada"),
        ("ticket.assign", {}, "Assigned"),
        ("some_new.thing_done", {}, "Some new: thing done"),
    ],
)
def test_what_was_done_is_said_in_words(action, detail, expected):
    assert what(action, detail, words("trail", "en")) == expected


def test_long_texts_are_cut():
    (detail,) = said("incident.leave", closing="word " * 200)
    assert len(detail.value) <= 160
    assert detail.value.endswith("…")


def test_colleagues_are_found_in_lists_of_before_and_after():
    assert colleagues_in({"to": 4, "agents": [[1, 2], [3]], "on": True, "solve": 9}) == {1, 2, 3, 4}
    assert colleagues_in({"to": None}) == set()


def test_every_action_that_the_code_records_has_words():
    files = [path for part in ("tickets", "voice", "triage") for path in Path(settings.BASE_DIR, part).rglob("*.py")]
    source = "".join(path.read_text() for path in files)
    written = set(re.findall(r"audit\.record\(\s*[\w.]+,\s*['\"]([a-z_.]+)['\"]", source))
    assert len(written) > 30
    assert written - set(words("trail", "en")) == set()
