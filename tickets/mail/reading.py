"""A raw message read: what the desk shows of it, and what tells its thread."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email.message import Message

from tickets.mail import forwards, headers, html, machines, reports, tokens
from tickets.mail.parsing import Parts, parse
from tickets.mail.visible import visible_reply
from tickets.message import Forwarded, InboundMessage
from tickets.models import CountsAs, Medium

# Headers that name who a message was for; a reply token may stand in any of them.
RECIPIENTS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
# Characters of base64 that 22 bytes take, but for the last, which holds bits of what follows.
CONVERSATION = 29


def read(raw: bytes, happened_at: datetime, *, sender: str = "", recipients: Sequence[str] = ()) -> InboundMessage:
    """Reads a raw message (RFC 5322 and whatever else is sent). `sender`, `recipients`: the envelope, where known."""
    return message_of(parse(raw), happened_at, sender=sender, recipients=recipients)


def message_of(
    parts: Parts, happened_at: datetime, *, sender: str = "", recipients: Sequence[str] = ()
) -> InboundMessage:
    """What the parts say."""
    head = parts.head
    senders = headers.addresses(head, "Reply-To") or headers.addresses(head, "From")
    written_by = headers.addresses(head, "From")
    text = parts.text.strip() or html.as_text(parts.html)
    bounces = reports.reports(parts)
    automatic = bool(bounces) or machines.is_automatic(head)
    return InboundMessage(
        medium=Medium.EMAIL,
        happened_at=happened_at,
        sender=(senders[0].email if senders else sender).lower(),
        name=(written_by[0].name if written_by else "") or (senders[0].name if senders else ""),
        subject=headers.text(head, "Subject"),
        text=text,
        visible=visible_reply(text),
        html=html.sanitised(parts.html),
        attachments=tuple(parts.files),
        message_id=next(iter(headers.message_ids(head, "Message-ID")), ""),
        references=reports.original_ids(parts) if bounces else _references(head),
        reply_to=_token(parts, recipients),
        counts_as=_counts_as(parts, automatic),
        automatic=automatic,
        bounces=bounces,
        forwarded=_forwarded(parts, text),
        payload=_payload(parts, written_by, senders),
    )


def _references(head: Message) -> tuple[str, ...]:
    """The messages it refers to, and for Outlook, which may lose them on the way, its conversation."""
    ids = headers.message_ids(head, "References", "In-Reply-To")
    conversation = headers.raw(head, "Thread-Index").strip()
    # The first 22 bytes name the conversation (MS-OXOMSG 2.2.1.3). Outlook keeps them when people write something new
    # into an old mail, so the topic belongs to it.
    if len(conversation) < CONVERSATION:
        return ids
    topic = headers.text(head, "Thread-Topic") or headers.text(head, "Subject").rpartition(":")[2]
    digest = hashlib.sha256(" ".join(topic.lower().split()).encode("utf-8", "replace")).hexdigest()[:16]
    return (*ids, f"<{conversation[:CONVERSATION]}.{digest}@thread-index>")


def _forwarded(parts: Parts, text: str) -> Forwarded | None:
    found = forwards.find(headers.text(parts.head, "Subject"), text, parts.files)
    return found if found and forwards.is_vouched_for(parts.head) else None


def _token(parts: Parts, recipients: Sequence[str]) -> int | None:
    known = [*recipients, *(a.email for name in RECIPIENTS for a in headers.addresses(parts.head, name))]
    return next((pk for address in known if (pk := tokens.ticket_of(address))), None)


def _counts_as(parts: Parts, automatic: bool) -> str:
    if machines.is_own(parts.head):
        return CountsAs.OWN
    return CountsAs.AUTOMATIC if automatic else CountsAs.CONTACT


def _payload(
    parts: Parts, written_by: Sequence[headers.Address], senders: Sequence[headers.Address]
) -> dict[str, object]:
    payload: dict[str, object] = {
        "to": [address.email for address in headers.addresses(parts.head, "To")],
        "cc": [address.email for address in headers.addresses(parts.head, "Cc")],
        "date": headers.raw(parts.head, "Date")[:100],
    }
    if parts.problems:
        payload["problems"] = parts.problems
    if written_by and senders and written_by[0].email != senders[0].email:
        payload["from"] = written_by[0].email
    return payload
