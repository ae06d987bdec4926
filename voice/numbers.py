"""Phone numbers: what we may call, and how a number is written down for machines. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType
from phonenumbers.timezone import time_zones_for_number

# What Twilio says for a caller who withholds their number.
WITHHELD = {
    "",
    "anonymous",
    "restricted",
    "unavailable",
    "unknown",
    "+266696687",
    "+8656696",
    "+7378742833",
    "+2562533",
}
# Where no text message arrives.
_NO_TEXTS = {PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE, PhoneNumberType.VOIP, PhoneNumberType.PAGER}
# Personal numbers (070 in Britain, 0700 in Germany) cost what their holder likes.
_COSTLY = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
    PhoneNumberType.PERSONAL_NUMBER,
}


@lru_cache(maxsize=50_000)
def caller_of(said: str) -> str:
    """The caller's number as E.164, or empty where it is withheld or none."""
    if said.strip().lower() in WITHHELD:
        return ""
    # Twilio gives it as E.164, and every call asks of what kind it is as well: it is read once for both.
    return _read(said).e164 or normalised(said) or ""


def normalised(entered: str, region: str | None = None) -> str | None:
    """A number as E.164; None if it is none. `region` (ISO 3166) reads national numbers."""
    text = entered.strip()
    for candidate in (text, "+" + text.removeprefix("00") if not text.startswith("+") else text):
        try:
            number = phonenumbers.parse(candidate, region if candidate == text else None)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def region_of(number: str) -> str | None:
    """The country (ISO 3166) of an E.164 number; None if it has none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except NumberParseException:
        return None


def may_dial(number: str, countries: Collection[str]) -> str | None:
    """None if we may call or text this number, else why not: caller IDs are forged to make us dial costly ones."""
    known = _read(number)
    if known.kind is None:
        return "This is no phone number."
    if known.kind in _COSTLY:
        return "Premium, shared-cost and personal numbers are not called."
    if known.region not in countries:
        return f"Numbers in {known.region or 'that country'} are not called (CALL_COUNTRIES)."
    return None


@dataclass(frozen=True, slots=True)
class _Known:
    """A number that was read: its type, its country and its form in E.164; nothing of what is no number."""

    kind: int | None = None
    region: str | None = None
    e164: str = ""


@lru_cache(maxsize=50_000)
def _read(number: str) -> _Known:
    """What is known of an international number. Kept, since one call asks several times."""
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return _Known()
    region = phonenumbers.region_code_for_number(parsed)
    if region is None or not phonenumbers.is_valid_number_for_region(parsed, region):
        return _Known()
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return _Known(phonenumbers.number_type(parsed), region, e164)


def may_text(number: str, countries: Collection[str]) -> str | None:
    """None if we may text this number, else why not."""
    refusal = may_dial(number, countries)
    if refusal is None and _read(number).kind in _NO_TEXTS:
        return "Landlines take no text messages."
    return refusal


def local_times(number: str, now: datetime) -> list[datetime]:
    """What the clock may show where this number is: one time for most landlines, several where zones are unsure."""
    times = []
    for name in _zones(number):
        try:
            times.append(now.astimezone(ZoneInfo(name)))
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return sorted(times, key=lambda at: at.replace(tzinfo=None))


@lru_cache(maxsize=50_000)
def _zones(number: str) -> tuple[str, ...]:
    try:
        return tuple(time_zones_for_number(phonenumbers.parse(number)))
    except NumberParseException:
        return ()


def daytime(number: str, now: datetime, hours: Sequence[int]) -> bool | None:
    """Whether it is between these hours where the number is: True in every zone it may be in, False in none of them.

    None where the zones disagree. Where no zone is known, nothing speaks against calling.
    """
    decent = {hours[0] <= at.hour < hours[1] for at in local_times(number, now)}
    return None if len(decent) == 2 else False not in decent
