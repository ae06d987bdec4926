"""A raw message from a mail server's pipe (Postfix and friends), kept before the server is told that it is."""

import hashlib
from collections.abc import Sequence

from django.utils import timezone

from tickets import journal
from tickets.mail.reading import read
from tickets.message import InboundMessage
from tickets.models import Arrival, Channel


def accept(raw: bytes, *, sender: str = "", recipients: Sequence[str] = ()) -> journal.Acceptance:
    """Keeps one raw message with its envelope. journal.NotKept when nothing could keep it."""
    envelope = "\0".join([sender.lower(), *sorted(recipient.lower() for recipient in recipients)])
    digest = hashlib.sha256(raw + b"\0" + envelope.encode("utf-8", "surrogateescape")).hexdigest()
    return journal.accept(
        journal.Incoming(
            channel=Channel.MAIL_PIPE,
            key=digest,
            sender=sender.lower(),
            happened_at=timezone.now(),
            payload={"sender": sender, "recipients": list(recipients)},
            body=raw,
        )
    )


def read_arrival(arrival: Arrival) -> InboundMessage:
    """Reads what was journaled."""
    payload = arrival.payload
    return read(
        journal.body_of(arrival), arrival.happened_at, sender=payload["sender"], recipients=payload["recipients"]
    )
