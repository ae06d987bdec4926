"""Header values as text and addresses, whatever bytes they came in; bounded, and never raising."""

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from tickets.mail.charsets import text_of

# Characters of one header that are looked at, and addresses of one header: beyond that nobody writes by hand.
LONGEST, MOST_ADDRESSES = 8000, 100
# Message-IDs of one chain: the first, and the newest, which stand at its end.
MOST_IDS = 50
# Nested comments make the address parser recurse; real addresses have one or two.
MOST_PARENTHESES = 20

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'@]{1,250}@[^\s<>()\[\],;:\"'@]{1,250}")
# One name and one address; the name may hold a comma without quotes.
_ONE = re.compile(r"\s*([^<>\"@()]{1,300}?)\s*<([^<>]{3,300})>\s*")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_ENCODED = re.compile(r"=\?[^?\s]{1,60}\?[bqBQ]\?")


@dataclass(frozen=True, slots=True)
class Address:
    email: str
    name: str = ""


def raw(message: Message, name: str) -> str:
    """The first header of this name as it stands, unfolded and cut to LONGEST characters; empty if there is none."""
    return _value(message, name)[:LONGEST].replace("\t", " ").strip()


def _value(message: Message, name: str) -> str:
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return str(value)
    return ""


def text(message: Message, name: str) -> str:
    """A header for people to read: encoded words and raw 8-bit bytes decoded."""
    return decoded(raw(message, name))


def eight_bit(value: str) -> str:
    """Raw 8-bit bytes of a header as text: UTF-8, else Windows-1252."""
    return text_of(value.encode("utf-8", "surrogateescape"))


def decoded(value: str) -> str:
    """Encoded words (RFC 2047) decoded; bytes that no charset was named for are taken as UTF-8, else Windows-1252."""
    value = eight_bit(value)
    if not _ENCODED.search(value):
        return value
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    pieces = [part if isinstance(part, str) else text_of(part, charset) for part, charset in parts]
    return "".join(pieces).replace("\r", "").replace("\n", " ").strip()


def addresses(message: Message, name: str) -> list[Address]:
    """The addresses of a header (`From`, `To`, `Cc` …), names decoded, at most MOST_ADDRESSES."""
    value = eight_bit(raw(message, name))
    one = _ONE.fullmatch(value)
    if one and _ADDRESS.fullmatch(one[2].strip()):
        return [Address(one[2].strip().lower(), decoded(one[1]))]
    if value.count("(") > MOST_PARENTHESES:
        value = value.replace("(", " ").replace(")", " ")
    if value.count("@") > MOST_ADDRESSES:
        value = ",".join(value.split(",")[:MOST_ADDRESSES])
    try:
        pairs = getaddresses([value])
    except (ValueError, RecursionError, IndexError):
        pairs = []
    found = [Address(email.strip().lower(), decoded(name_)) for name_, email in pairs if _ADDRESS.fullmatch(email)]
    return found or _by_pattern(value)


def _by_pattern(value: str) -> list[Address]:
    """What looks like an address where the grammar fails, such as a name with a comma and no quotes."""
    found: list[Address] = []
    for match in list(_ADDRESS.finditer(value))[:MOST_ADDRESSES]:
        name = decoded(value[: match.start()].strip(' "<,')) if not found else ""
        found.append(Address(match[0].strip(".").lower(), name))
    return found


def message_ids(message: Message, *names: str) -> tuple[str, ...]:
    """All Message-IDs of these headers in order, with angle brackets, each once."""
    found: dict[str, None] = {}
    for name in names:
        chain = _MESSAGE_ID.findall("".join(_value(message, name).split()))
        found.update(dict.fromkeys(chain[:1] + chain[1:][-MOST_IDS:]))
    return tuple(found)
