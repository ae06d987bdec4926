"""What a mail says as one flat record, for tools and benchmarks: no database, no ticket."""

from dataclasses import asdict
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from tickets.mail import charsets, headers, machines
from tickets.mail.parsing import parse
from tickets.mail.reading import message_of
from tickets.mail.visible import visible_reply
from tickets.message import Bounce, Report, storable

# Every key of a record, and what it holds where nothing is known.
EMPTY: dict[str, Any] = {
    "file": "",
    "subject": "",
    "from_email": "",
    "from_name": "",
    "to": [],
    "cc": [],
    "date": "",
    "message_id": "",
    "text": "",
    "reply": "",
    "html": "",
    "attachments": [],
    "is_auto_reply": False,
    "is_bounce": False,
    "is_complaint": False,
    "bounces": [],
    "problems": [],
}


def of_message(raw: bytes) -> dict[str, Any]:
    """The record of a raw message. `date` is ISO 8601 where the header is a date, else the header as it stands."""
    parts = parse(raw)
    message = message_of(parts, datetime.now(UTC))
    writers = headers.addresses(parts.head, "From")
    kinds = {bounce.kind for bounce in message.bounces}
    return EMPTY | {
        "subject": storable(message.subject),
        "from_email": writers[0].email if writers else "",
        "from_name": storable(writers[0].name) if writers else "",
        "to": message.payload["to"],
        "cc": message.payload["cc"],
        "date": _date(parts.head),
        "message_id": message.message_id,
        "text": storable(message.text),
        "reply": storable(message.visible),
        "html": storable(message.html),
        "attachments": [storable(file.name) for file in message.attachments],
        "is_auto_reply": not message.bounces and machines.is_auto_reply(parts.head, message.text),
        "is_bounce": bool(kinds - {Report.COMPLAINT}),
        "is_complaint": Report.COMPLAINT in kinds,
        "bounces": [_bounce(bounce) for bounce in message.bounces],
        "problems": list(parts.problems),
    }


def of_body(raw: bytes) -> dict[str, Any]:
    """The record of a body without headers, in UTF-8 unless its bytes say otherwise."""
    text = charsets.text_of(raw).replace("\r\n", "\n")
    return EMPTY | {"text": storable(text), "reply": storable(visible_reply(text))}


def _bounce(bounce: Bounce) -> dict[str, Any]:
    fields = asdict(bounce)
    return {name: fields[name] for name in ("recipient", "status", "reason", "permanent")}


def _date(head: Message) -> str:
    value = headers.raw(head, "Date")[:100]
    try:
        return parsedate_to_datetime(value).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return storable(value.encode("utf-8", "replace").decode())
