"""A message's parts told apart: its text, its HTML, its files, and the reports that machines send."""

import mimetypes
import re
from dataclasses import dataclass, field
from email.message import Message

from tickets.mail import charsets, mime, uuencoded
from tickets.mail.headers import decoded, eight_bit, raw
from tickets.message import File

# Bytes. What is larger is kept as an attachment and not taken apart.
LARGEST = 50 * 1024 * 1024
# Characters of text and of HTML that are read and shown; what is longer is attached whole.
TEXT_CHARACTERS, HTML_CHARACTERS = 500_000, 300_000
# Recipients of one delivery status.
MOST_BLOCKS = 100

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
# Folders that some programs send along: C:\TEMP\x.png, ../x.png.
_FOLDERS = re.compile(r"^(?:[A-Za-z]:|\.{0,2})[\\/](?:.*[\\/])?")
# The seal of a signed message is no file: it says nothing to people, and the original keeps it.
_SEALS = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_CHARSET = re.compile(r"(?i)\bcharset\s*=\s*\"?([\w.:-]{2,40})")
_UNNAMED = "noname"
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
            signed = part.kind == "multipart/signed"
            waiting.extend(one for one in reversed(part.parts) if not (signed and one.kind in _SEALS))
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
        parts.files.append(File(name or _default_name(part.kind, parts.files), part.kind, content, identifier))


def _joined(parts: Parts, before: str, part: mime.Part, most: int, name: str) -> str:
    """The text so far and this part's; all of a part that is longer than we show is attached, and files in it are."""
    content = part.content()
    if b"\nbegin " in content or content.startswith(b"begin "):
        content, inside = uuencoded.taken_out(content)
        for number, (raw_name, file) in enumerate(inside, 1):
            safe = safe_name(charsets.text_of(raw_name)) or f"file-{number}"
            parts.files.append(File(safe, mimetypes.guess_type(safe)[0] or "application/octet-stream", file))
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
    if not charset and (forgotten := _CHARSET.search(raw(head, "Content-Type"))):
        charset = forgotten[1]
    if charset and charsets.known(charset) is None:
        parts.problems.append(f"unknown charset {charset[:40]}")
    return charsets.text_of(content, charset or None).replace("\r\n", "\n")


def _name(head: Message) -> str:
    """A file name that is safe to show and to save: no folders, nothing that hides its ending."""
    # The standard library loses raw 8-bit bytes in parameters: it gets them as text.
    clean = Message()
    for field_name in ("Content-Disposition", "Content-Type"):
        clean[field_name] = eight_bit(raw(head, field_name))
    try:
        name = clean.get_filename("") or ""
    except (LookupError, ValueError, TypeError, AttributeError):
        name = ""
    return safe_name(decoded(str(name)[:2000]))


def safe_name(name: str) -> str:
    """A file name without its folders and without characters that a system or a reader takes amiss."""
    return _UNSAFE.sub("_", _FOLDERS.sub("", name)).strip(" ._")[:200]


def _default_name(kind: str, files: list[File]) -> str:
    """What people know files without a name by, with the ending of their type where it has one."""
    unnamed = 1 + sum(file.name.startswith(_UNNAMED) for file in files)
    ending = mimetypes.guess_extension(kind, strict=False) or ""
    return f"{_UNNAMED}{unnamed}{'' if ending == '.bin' else ending}"
