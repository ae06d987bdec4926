"""A raw message split into its parts, under bounds and in time that grows with its size alone."""

import binascii
import re
from dataclasses import dataclass, field
from email.message import Message
from email.policy import compat32

from tickets.mail import uuencoded

# Nesting, parts and lines that look like a boundary, beyond which a message is hostile; the rest stays unsplit.
DEEPEST, MOST_PARTS, MOST_BOUNDARIES = 20, 500, 10_000
# Header fields of one part, and bytes of one field, that are looked at.
MOST_FIELDS, FIELD_BYTES = 1000, 65_536
# Bytes searched for boundaries in all: nested parts are searched once a level.
MOST_SEARCHED = 100 * 1024 * 1024

_LEADING = re.compile(rb"\A(?:[ \t]*+\r?\n|>?From [^\r\n]*+\r?\n)++")
_FIELD = re.compile(rb"([!-9;-~]{1,100}+)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_BLANK = re.compile(rb"\n\r?\n")
_LIKELY = re.compile(rb"(?mi)^--(\S[^\r\n]{0,200})\r?\nContent-")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers, its body as it was sent, and the parts that a multipart body holds."""

    head: Message
    body: bytes
    parts: tuple["Part", ...] = ()

    @property
    def kind(self) -> str:
        # "text/plain charset=…", the semicolon forgotten, is text all the same.
        return self.head.get_content_type().split()[0]

    def content(self) -> bytes:
        """The body without its transfer encoding."""
        return decoded_body(self.body, str(self.head.get("Content-Transfer-Encoding", "")))


@dataclass(slots=True)
class _Budget:
    parts: int = MOST_PARTS
    searched: int = MOST_SEARCHED
    problems: list[str] = field(default_factory=list)


def split(raw: bytes) -> tuple[Part, list[str]]:
    """The message as a tree of parts, and what was not split as it claims to be."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    budget = _Budget()
    return _part(_LEADING.sub(b"", raw), budget, 0), list(dict.fromkeys(budget.problems))


def head_and_body(raw: bytes) -> tuple[Message, bytes]:
    """Header fields, and what follows the blank line, or the first line that is no field."""
    message, position, count = Message(policy=compat32), 0, 0
    while found := _FIELD.match(raw, position):
        position, count = found.end(), count + 1
        if count > MOST_FIELDS:
            blank = _BLANK.search(raw, position - 1)
            return message, raw[blank.end() :] if blank else b""
        value = b" ".join(line.strip() for line in found[2][:FIELD_BYTES].split(b"\n")).strip()
        message[found[1].decode("ascii")] = value.decode("ascii", "surrogateescape")
    for newline in (b"\r\n", b"\n"):
        if raw.startswith(newline, position):
            return message, raw[position + len(newline) :]
    return message, raw[position:]


def blocks(body: bytes, most: int) -> list[Message]:
    """The groups of fields, parted by blank lines, that a delivery status is made of; at most `most`."""
    groups = re.split(rb"\n(?:[ \t]*+\r?\n)++", body.lstrip()[: most * FIELD_BYTES], maxsplit=most)
    return [head_and_body(group)[0] for group in groups[:most]]


def decoded_body(body: bytes, encoding: str) -> bytes:
    """A body without its transfer encoding; never raises, and keeps what it cannot decode."""
    name = encoding.strip().lower()
    if name == "base64":
        return _base64(body)
    if name == "quoted-printable":
        return binascii.a2b_qp(body)
    if name in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return uuencoded.decoded(body)
    return body


def _part(raw: bytes, budget: _Budget, depth: int) -> Part:
    head, body = head_and_body(raw)
    if not head.get_content_type().startswith("multipart/"):
        return Part(head, body)
    budget.searched -= len(body)
    if depth >= DEEPEST or budget.searched < 0:
        budget.problems.append("too deeply nested")
        return Part(head, body)
    parts = []
    for piece in _pieces(body, _boundary(head), budget) or _pieces(body, _likely_boundary(body), budget):
        budget.parts -= 1
        if budget.parts < 0:
            budget.problems.append("too many parts")
            break
        parts.append(_part(piece, budget, depth + 1))
    return Part(head, body, tuple(parts))


def _boundary(head: Message) -> bytes:
    try:
        boundary = head.get_boundary() or ""
    except (ValueError, LookupError, TypeError):
        return b""
    return boundary.encode("utf-8", "surrogateescape").rstrip()[:500]


def _likely_boundary(body: bytes) -> bytes:
    """The line before the first part's fields, where the header names no boundary or another one."""
    found = _LIKELY.search(body[:FIELD_BYTES])
    return found[1].rstrip() if found else b""


def _pieces(body: bytes, boundary: bytes, budget: _Budget) -> list[bytes]:
    """What stands between the boundary lines; a missing last one is made good."""
    if not boundary:
        return []
    mark = b"\n--" + boundary
    starts: list[int] = []
    ends: list[int] = []
    text, position = b"\n" + body, -1
    for _ in range(MOST_BOUNDARIES):
        position = text.find(mark, position + 1)
        if position < 0 or len(starts) > budget.parts:
            break
        line_end = text.find(b"\n", position + 1)
        line_end = len(text) if line_end < 0 else line_end
        rest = text[position + len(mark) : line_end].strip()
        if rest not in (b"", b"--"):
            continue
        ends.append(position)
        if rest == b"--":
            break
        starts.append(line_end + 1)
    ends = [*ends[1:], len(text)][: len(starts)]
    return [text[start:end].removesuffix(b"\r") for start, end in zip(starts, ends, strict=True)]


def _base64(body: bytes) -> bytes:
    """Lenient: what is no base64 is skipped, and each padded piece of several stuck together is read."""
    pieces = re.split(b"=++", body.translate(None, delete=_NOT_BASE64), maxsplit=10_000)
    whole = (piece[: len(piece) - (len(piece) % 4 == 1)] for piece in pieces)
    return b"".join(binascii.a2b_base64(piece + b"==") for piece in whole)
