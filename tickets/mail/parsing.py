"""A message's parts told apart: its text, its HTML, its files, and the reports that machines send."""

import mimetypes
import re
from dataclasses import dataclass, field
from email.message import Message

from tickets.mail import charsets, mime
from tickets.mail.headers import decoded
from tickets.message import File

# Bytes. What is larger is kept as an attachment and not taken apart.
LARGEST = 50 * 1024 * 1024
# Characters of text and of HTML that are read and shown; what is longer is attached whole.
TEXT_CHARACTERS, HTML_CHARACTERS = 500_000, 300_000
# Recipients of one delivery status.
MOST_BLOCKS = 100

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_REPORTS = ("message/delivery-status", "message/global-delivery-status", "message/feedback-report")
_ORIGINALS = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers")


@dataclass(slots=True)
class Parts:
    """A message taken apart. `problems` says what could not be read as it claims to be."""

    head: Message
    text: str = ""
    html: str = ""
    files: list[File] = field(default_factory=list)
    # Groups of fields of delivery statuses and of feedback reports.
    statuses: list[Message] = field(default_factory=list)
    feedback: list[Message] = field(default_factory=list)
    # Headers of messages that came inside this one.
    originals: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def parse(raw: bytes) -> Parts:
    """Takes a raw message apart. What is beyond the bounds stays whole, as an attachment."""
    if len(raw) > LARGEST:
        head, body = mime.head_and_body(raw)
        parts = Parts(head, problems=["too large to be taken apart"])
        parts.text = charsets.text_of(body[:20_000])
        parts.files.append(File("original.eml", "message/rfc822", raw))
        return parts
    tree, problems = mime.split(raw)
    parts = Parts(tree.head, problems=problems)
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if part.parts:
            waiting.extend(reversed(part.parts))
        else:
            _leaf(part, parts)
    return parts


def _leaf(part: mime.Part, parts: Parts) -> None:
    kind, name = part.kind, _name(part.head)
    disposition = str(part.head.get("Content-Disposition", "")).strip().lower()
    attached = disposition.startswith("attachment") or bool(name)
    if kind in _REPORTS:
        groups = mime.blocks(part.content(), MOST_BLOCKS)
        (parts.feedback if kind.endswith("feedback-report") else parts.statuses).extend(groups)
    elif kind in _ORIGINALS:
        content = part.content()
        parts.originals.append(mime.head_and_body(content)[0])
        if content.strip():
            parts.files.append(File(name or "message.eml", "message/rfc822", content))
    elif kind == "text/html" and not attached:
        parts.html = _joined(parts, parts.html, part, HTML_CHARACTERS, "message.html")
    elif (kind == "text/plain" and not attached) or kind.startswith("multipart/"):
        # A multipart in which no boundary stands is text under a wrong label.
        parts.text = _joined(parts, parts.text, part, TEXT_CHARACTERS, "message.txt")
    else:
        if kind == "text/plain" and disposition.startswith("inline") and not parts.text:
            parts.text = _joined(parts, "", part, TEXT_CHARACTERS, "message.txt")
        _file(part, name, parts)


def _file(part: mime.Part, name: str, parts: Parts) -> None:
    content = part.content()
    if content or name:
        identifier = str(part.head.get("Content-ID", "")).strip(" <>")[:250]
        parts.files.append(File(name or _default_name(part.kind, len(parts.files)), part.kind, content, identifier))


def _joined(parts: Parts, before: str, part: mime.Part, most: int, name: str) -> str:
    """The text so far and this part's; all of a part that is longer than we show is attached."""
    content = part.content()
    text = _text(part.head, content, parts)
    if len(before) + len(text) > most:
        parts.problems.append("the text is cut; all of it is attached")
        parts.files.append(File(name, part.kind, content))
    return (f"{before}\n\n{text}".strip("\n") if before else text)[:most]


def _text(head: Message, content: bytes, parts: Parts) -> str:
    try:
        charset = str(head.get_param("charset", "") or "").strip("'\" ")
    except (LookupError, ValueError, TypeError):
        charset = ""
    if charset and charsets.known(charset) is None:
        parts.problems.append(f"unknown charset {charset[:40]}")
    return charsets.text_of(content, charset or None).replace("\r\n", "\n")


def _name(head: Message) -> str:
    """A file name that is safe to show and to save."""
    try:
        name = head.get_filename("") or ""
    except (LookupError, ValueError, TypeError, AttributeError):
        name = ""
    return _UNSAFE.sub("_", decoded(str(name)[:2000])).strip(" ._")[:200]


def _default_name(kind: str, place: int) -> str:
    ending = mimetypes.guess_extension(kind, strict=False) or ".bin"
    return f"part-{place + 1}{ending}"
