"""How phone numbers are written for people. Pure."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


@lru_cache(maxsize=50_000)
def readable(number: str) -> str:
    """An E.164 number in the groups in which people read it; anything else as it is."""
    # A name may hold a number among its words, and is no number for that.
    if not _E164.fullmatch(number):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
