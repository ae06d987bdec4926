"""Bytes to parts, under bounds set before the parser runs: no message raises, none takes long."""

import re
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import compat32

from tickets.mail.headers import decoded, text_of
from tickets.message import File

# Bytes. What is larger is kept as an attachment and not taken apart.
LARGEST = 50 * 1024 * 1024
# Containers and parts beyond which a message is hostile: the parser's time grows with their depth.
MOST_CONTAINERS, MOST_PARTS = 60, 500
# Bytes of header that are parsed, characters of text and HTML that are kept for reading.
HEADER_BYTES, TEXT_CHARACTERS = 262_144, 1_000_000

_LEADING = re.compile(rb"\A(?:[ \t]*\r?\n|>?From [^\r\n]*\r?\n)+")
_CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


@dataclass(slots=True)
class Parts:
    """A message taken apart. `problems` says what could not be read as it claims to be."""

    head: Message
    text: str = ""
    html: str = ""
    files: list[File] = field(default_factory=list)
    reports: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def parse(raw: bytes) -> Parts:
    """Takes a raw message apart. What is beyond the bounds stays whole, as an attachment."""
    raw = _LEADING.sub(b"", raw)
    if len(raw) > LARGEST or len(_CONTAINER.findall(raw)) > MOST_CONTAINERS:
        return _whole(raw, "too large or too deeply nested to be taken apart")
    try:
        message = BytesParser(policy=compat32).parsebytes(_bounded(raw))
        parts = Parts(head=message)
        _walk(message, parts)
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError, IndexError, KeyError) as error:
        return _whole(raw, f"the parser failed: {type(error).__name__}")
    return parts


def _bounded(raw: bytes) -> bytes:
    """Cuts an endless header before the body."""
    end = re.search(rb"\r?\n\r?\n", raw)
    if end and end.start() > HEADER_BYTES:
        return raw[:HEADER_BYTES].rsplit(b"\n", 1)[0] + raw[end.start() :]
    return raw


def _whole(raw: bytes, why: str) -> Parts:
    head, _, body = raw[: HEADER_BYTES * 2].partition(b"\n\n" if b"\n\n" in raw[:HEADER_BYTES] else b"\r\n\r\n")
    message = HeaderParser(policy=compat32).parsestr(head.decode("ascii", "surrogateescape"))
    file = File("original.eml", "message/rfc822", raw)
    return Parts(head=message, text=text_of(body)[:20_000], files=[file], problems=[why])


def _walk(message: Message, parts: Parts) -> None:
    """Leaves in order, without the standard walk's recursion."""
    waiting, seen = [message], 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen > MOST_PARTS:
            parts.problems.append("too many parts")
            return
        kind = part.get_content_type()
        children = part.get_payload() if part.is_multipart() else None
        if kind in ("message/delivery-status", "message/feedback-report"):
            parts.reports.append(part)
        elif kind in ("message/rfc822", "text/rfc822-headers"):
            _nested(part, parts)
        elif isinstance(children, list):
            waiting.extend(reversed(children))
        else:
            _leaf(part, kind, parts)


def _nested(part: Message, parts: Parts) -> None:
    parts.reports.append(part)
    inner = part.get_payload()
    content = inner[0].as_bytes() if isinstance(inner, list) and inner else _content(part)
    if content.strip():
        parts.files.append(File(_name(part) or "message.eml", "message/rfc822", content))


def _leaf(part: Message, kind: str, parts: Parts) -> None:
    content, name = _content(part), _name(part)
    attached = str(part.get("Content-Disposition", "")).strip().lower().startswith("attachment")
    if kind == "text/plain" and not attached and not name:
        parts.text = _joined(parts.text, _text(part, content, parts))
    elif kind == "text/html" and not attached and not name:
        parts.html = _joined(parts.html, _text(part, content, parts))
    elif content or name:
        identifier = str(part.get("Content-ID", "")).strip(" <>")[:250]
        parts.files.append(File(name or _default_name(kind, len(parts.files)), kind, content, identifier))


def _joined(before: str, more: str) -> str:
    return f"{before}\n\n{more}".strip("\n")[:TEXT_CHARACTERS] if before else more[:TEXT_CHARACTERS]


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message, content: bytes, parts: Parts) -> str:
    charset = str(part.get_param("charset", "") or "").strip("'\" ") or None
    if charset:
        try:
            "".encode(charset)
        except (LookupError, ValueError):
            parts.problems.append(f"unknown charset {charset[:40]}")
    return text_of(content, charset).replace("\r\n", "\n")


def _name(part: Message) -> str:
    """A file name that is safe to show and to save."""
    try:
        name = part.get_filename("") or ""
    except (LookupError, ValueError, TypeError, AttributeError):
        name = ""
    return _UNSAFE.sub("_", decoded(str(name))).strip(" ._")[:200]


def _default_name(kind: str, place: int) -> str:
    ending = {"text/plain": "txt", "text/html": "html", "text/calendar": "ics", "application/pdf": "pdf"}
    return f"part-{place + 1}.{ending.get(kind, kind.partition('/')[2].rpartition('.')[2][:8] or 'bin')}"
