from datetime import UTC, datetime

import pytest

from tickets.numbers import readable
from voice.numbers import caller_of, daytime, local_times, may_dial, normalised, region_of


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("+12015550123", "+12015550123"),
        (" 12015550123 ", "+12015550123"),
        ("+1 (201) 555-0123", "+12015550123"),
        # withheld, in all the ways that Twilio says it: words, and the same words on a keypad
        *((word, "") for word in ("", "anonymous", "Anonymous", "ANONYMOUS", "Restricted", "unavailable", "unknown")),
        *((word, "") for word in ("+266696687", "266696687", "+7378742833", "7378742833", "+2562533", "2562533")),
        *((word, "") for word in ("+8656696", "8656696", "+86282452253", "86282452253")),
        # short codes, emergency numbers and what is no telephone
        *((word, "") for word in ("12345", "+12345", "911", "112", "+1", "client:ada", "sip:ada@example.com", "\0")),
    ],
)
def test_who_calls(said, expected):
    assert caller_of(said) == expected


@pytest.mark.parametrize(
    ("entered", "region", "expected"),
    [
        ("2015550123", "US", "+12015550123"),
        ("12015550123", "US", "+12015550123"),
        ("0112079460000", "US", None),
        ("011442079460000", "US", "+442079460000"),
        ("00442079460000", "US", "+442079460000"),
        ("02079460000", "GB", "+442079460000"),
        ("0012015550123", "GB", "+12015550123"),
        ("03012345678", "DE", "+493012345678"),
        ("2075550123", None, None),
        ("442079460000", None, "+442079460000"),
        ("", "US", None),
        ("0", "US", None),
        ("*#", "US", None),
        ("9" * 40, "US", None),
    ],
)
def test_a_number_entered_by_keys_is_read_in_the_lines_country(entered, region, expected):
    assert normalised(entered, region) == expected


@pytest.mark.parametrize(
    ("number", "countries", "why"),
    [
        ("+12015550123", ["US"], None),
        ("+442079460000", ["US", "GB"], None),
        ("+442079460000", ["US"], "GB"),
        ("+18765550123", ["US", "CA"], "JM"),  # +1, and yet abroad: the classic of callback fraud
        ("+18005550123", ["US"], None),
        ("+19005550123", ["US"], "Premium"),
        ("+449098790000", ["GB"], "Premium"),
        ("+448431234567", ["GB"], "Premium"),
        ("+447012345678", ["GB"], "personal"),
        ("+4970012345678", ["DE"], "personal"),
        ("+881612345678", ["US"], "not called"),
        ("+12345", ["US"], "no phone"),
        ("12015550123", ["US"], "no phone"),
        ("911", ["US"], "no phone"),
        ("", ["US"], "no phone"),
        ("+12015550123", [], "US"),
    ],
)
def test_whom_we_may_call(number, countries, why):
    found = may_dial(number, countries)
    assert found is None if why is None else why in found


@pytest.mark.parametrize(
    ("number", "region", "shown"),
    [
        ("+12015550123", "US", "+1 201-555-0123"),
        ("+16135550123", "CA", "+1 613-555-0123"),
        ("+442079460000", "GB", "+44 20 7946 0000"),
        ("anonymous", None, "anonymous"),
        ("", None, ""),
    ],
)
def test_the_country_of_a_number_and_how_it_is_read(number, region, shown):
    assert (region_of(number), readable(number)) == (region, shown)


def test_a_name_that_holds_a_number_stays_a_name():
    assert readable("Jo Doe +442079460000") == "Jo Doe +442079460000"


@pytest.mark.parametrize(
    ("number", "hour", "expected"),
    [
        # New Jersey, five hours behind: from eight until eight
        ("+12015550123", 12, False),
        ("+12015550123", 13, True),
        ("+12015550123", 0, True),
        ("+12015550123", 1, False),
        # an Australian mobile may be in any of its zones
        ("+61412345678", 0, None),
        ("+61412345678", 14, False),
        ("+61412345678", 2, True),
        # where nothing is known, nothing speaks against it
        ("", 3, True),
        ("anonymous", 3, True),
    ],
)
def test_whether_people_are_awake(number, hour, expected):
    assert daytime(number, datetime(2026, 3, 3, hour, tzinfo=UTC), (8, 20)) is expected


def test_the_clock_where_a_number_is_follows_its_summer_time():
    winter, summer = datetime(2026, 3, 7, 17, tzinfo=UTC), datetime(2026, 3, 9, 17, tzinfo=UTC)
    assert [found.hour for found in local_times("+12015550123", winter)] == [12]
    assert [found.hour for found in local_times("+12015550123", summer)] == [13]
    several = local_times("+61412345678", winter)
    assert len(several) > 2
    assert [found.replace(tzinfo=None) for found in several] == sorted(found.replace(tzinfo=None) for found in several)
