"""What every door's reader makes of an arrival: one message, before it joins or opens a ticket."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tickets.models import CountsAs, Entry, Identity, Medium


@dataclass(frozen=True, slots=True)
class File:
    """An attached file: its bytes, or the blob that already holds them."""

    name: str
    content_type: str
    content: bytes = b""
    content_id: str = ""
    blob: str = ""
    size: int = 0


class Report(StrEnum):
    """What a mail server or a provider reports about a mail of ours."""

    FAILED = "failed"
    DELAYED = "delayed"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Bounce:
    """What is reported of one recipient. `status`: RFC 3463, as 5.1.1; `permanent`: the address is no good."""

    recipient: str
    status: str = ""
    reason: str = ""
    permanent: bool = False
    kind: Report = Report.FAILED


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A message inside another: its sender, its text, and what the one who forwarded it wrote above."""

    email: str
    name: str
    subject: str
    text: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """What somebody told us, as text. `visible` is `text` without quotes and signature."""

    medium: Medium
    happened_at: datetime
    sender_kind: str = Identity.Kind.EMAIL
    sender: str = ""
    name: str = ""
    subject: str = ""
    text: str = ""
    visible: str = ""
    html: str = ""
    attachments: tuple[File, ...] = ()
    message_id: str = ""
    references: tuple[str, ...] = ()
    # The ticket that a signed address or Message-ID of ours leads to.
    reply_to: int | None = None
    language: str = ""
    counts_as: str = CountsAs.CONTACT
    entry_kind: str = Entry.Kind.MESSAGE
    automatic: bool = False
    simulated: bool = False
    unreadable: bool = False
    bounces: tuple[Bounce, ...] = ()
    # What it forwards, where the sender's own mail server vouches for the sender.
    forwarded: Forwarded | None = None
    payload: dict[str, Any] = field(default_factory=dict)


def storable(text: str, limit: int | None = None) -> str:
    """Text that every database keeps: no NUL, no lone surrogates, at most `limit` characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:limit]
