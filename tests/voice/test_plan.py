from datetime import UTC, datetime

import pytest

from voice.plan import face, is_open, next_change, overlay_in_force

WEEK = {str(day): [["09:00", "17:00"]] for day in range(5)}


def line(hours=None, zone="America/New_York", holidays=(), overlays=()):
    return {
        "time_zone": zone,
        "hours": WEEK if hours is None else hours,
        "holidays": list(holidays),
        "overlays": list(overlays),
        "faces": {kind: {"text": {"en": kind}, "audio": {}} for kind in ("open", "closed", "incident")},
    }


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def overlay(pk, since, until=None, problem=None):
    values = {"since": at(since).isoformat(), "until": at(until).isoformat() if until else None, "problem": problem}
    return {"id": pk, "text": {"en": str(pk)}, "audio": {}, "local": "", **values}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # Monday in winter, five hours behind UTC: the first minute is in, the last is out
        ("2026-03-02T13:59:59", False),
        ("2026-03-02T14:00:00", True),
        ("2026-03-02T21:59:59", True),
        ("2026-03-02T22:00:00", False),
        # the weekend, by the line's clock: Friday evening there is Saturday in UTC
        ("2026-03-07T15:00:00", False),
        ("2026-03-07T00:00:00", False),
        # Monday after the clocks went forward, and Monday after they went back
        ("2026-03-09T13:00:00", True),
        ("2026-03-09T12:59:59", False),
        ("2026-03-09T21:00:00", False),
        ("2026-10-30T13:00:00", True),
        ("2026-11-02T13:00:00", False),
        ("2026-11-02T14:00:00", True),
    ],
)
def test_a_line_opens_by_its_own_clock(moment, expected):
    assert is_open(line(), at(moment)) == expected


NIGHT = {"4": [["22:00", "24:00"]], "5": [["00:00", "06:00"]], "6": [["01:00", "02:00"], ["02:30", "04:00"]]}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # Friday night to Saturday morning
        ("2026-03-07T02:59:59", False),
        ("2026-03-07T03:00:00", True),
        ("2026-03-07T04:59:59", True),
        ("2026-03-07T05:00:00", True),
        ("2026-03-07T10:59:59", True),
        ("2026-03-07T11:00:00", False),
        # the Sunday without an hour from two to three: 01:59:59 is followed by 03:00
        ("2026-03-08T06:59:59", True),
        ("2026-03-08T07:00:00", True),
        ("2026-03-08T07:59:59", True),
        ("2026-03-08T08:00:00", False),
        # the Sunday with two hours from one to two
        ("2026-11-01T05:00:00", True),
        ("2026-11-01T06:59:59", True),
        ("2026-11-01T07:00:00", False),
        ("2026-11-01T07:30:00", True),
    ],
)
def test_hours_go_over_midnight_and_over_changes_of_the_clock(moment, expected):
    assert is_open(line(NIGHT), at(moment)) == expected


@pytest.mark.parametrize(
    ("hours", "zone", "holidays", "expected"),
    [
        ({}, "UTC", [], True),
        ({}, "UTC", ["2026-03-02"], False),
        ({}, "UTC", ["2026-03-03"], True),
        ({"0": []}, "UTC", [], False),
        ({"1": [["00:00", "24:00"]]}, "UTC", [], False),
        # 20:00 UTC on Monday is Tuesday already in Tokyo, and the holiday is theirs
        ({"1": [["00:00", "24:00"]]}, "Asia/Tokyo", [], True),
        ({}, "Asia/Tokyo", ["2026-03-03"], False),
        # a zone that nobody knows is read as UTC
        ({"0": [["20:00", "20:01"]]}, "Mars/Olympus", [], True),
        ({"0": [["20:00", "20:01"]]}, "../../etc/passwd", [], True),
        ({"0": [["20:00", "20:01"]]}, "", [], True),
    ],
)
def test_holidays_zones_and_days_without_hours(hours, zone, holidays, expected):
    assert is_open(line(hours, zone, holidays), at("2026-03-02T20:00:00")) == expected


@pytest.mark.parametrize(
    ("overlays", "shown"),
    [
        ([], "open"),
        ([overlay(1, "2026-03-02T14:00:00")], "1"),
        # the newest wins, however they are ordered; of two made at once the one made last
        ([overlay(1, "2026-03-02T14:00:00"), overlay(2, "2026-03-02T15:00:00")], "2"),
        ([overlay(2, "2026-03-02T15:00:00"), overlay(1, "2026-03-02T14:00:00")], "2"),
        ([overlay(3, "2026-03-02T15:00:00"), overlay(2, "2026-03-02T15:00:00")], "3"),
        # one that ran out uncovers what was under it; it ends at its moment, not after it
        ([overlay(1, "2026-03-02T14:00:00"), overlay(2, "2026-03-02T15:00:00", "2026-03-02T16:00:00")], "1"),
        ([overlay(2, "2026-03-02T15:00:00", "2026-03-02T16:00:01")], "2"),
        ([overlay(2, "2026-03-02T15:00:00", "2026-03-02T16:00:00")], "open"),
        # it begins at its moment, not before it
        ([overlay(4, "2026-03-02T16:00:00")], "4"),
        ([overlay(4, "2026-03-02T16:00:01")], "open"),
    ],
)
def test_the_newest_overlay_in_force_is_heard(overlays, shown):
    found = face(line(overlays=overlays), at("2026-03-02T16:00:00"))
    assert found.text == {"en": shown}
    assert found.kind == ("open" if shown == "open" else "incident")


def test_an_overlay_is_heard_while_the_line_is_closed_and_carries_its_problem():
    closed = line({"0": []}, overlays=[overlay(1, "2026-03-02T14:00:00", problem=7)])
    assert face(closed, at("2026-03-02T16:00:00")).problem == 7
    assert face(closed, at("2026-03-02T13:00:00")).kind == "closed"
    assert face(closed, at("2026-03-02T13:00:00")).problem is None


def test_moments_in_other_zones_are_compared_as_moments():
    later = {**overlay(2, "2026-03-02T15:00:00"), "since": "2026-03-02T10:30:00-05:00"}
    assert overlay_in_force([overlay(1, "2026-03-02T15:10:00"), later], at("2026-03-02T16:00:00"))["id"] == 2


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        (WEEK, "2026-03-02T15:00:00", "2026-03-02T22:00:00"),
        (WEEK, "2026-03-06T23:00:00", "2026-03-09T13:00:00"),  # over the Sunday on which the clocks go forward
        (WEEK, "2026-10-30T23:00:00", "2026-11-02T14:00:00"),  # and back
        (NIGHT, "2026-03-07T04:00:00", "2026-03-07T11:00:00"),  # midnight is no change
        ({}, "2026-03-02T15:00:00", None),
        ({"0": []}, "2026-03-02T15:00:00", None),
    ],
)
def test_when_a_line_opens_or_closes_next(hours, now, expected):
    assert next_change(line(hours), at(now)) == (at(expected) if expected else None)


def test_a_holiday_puts_the_opening_off():
    found = next_change(line(holidays=["2026-03-03"]), at("2026-03-02T23:00:00"))
    assert found == at("2026-03-04T14:00:00")


def test_a_zone_that_nobody_knows_has_no_next_change():
    assert next_change(line(zone="Mars/Olympus"), at("2026-03-02T15:00:00")) is None
