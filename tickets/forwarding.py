"""A colleague forwards a customer's message: the customer becomes the requester, the colleague's words a note."""

from dataclasses import replace

from django.contrib.auth.models import User

from tickets.mail.visible import visible_reply
from tickets.message import InboundMessage
from tickets.models import Entry
from tickets.roles import ROLES


def unwrapped(message: InboundMessage) -> tuple[InboundMessage, User | None]:
    """The message inside and who forwarded it, if that is a colleague; else the message as it is, and None."""
    inner = message.forwarded
    if inner is None or inner.email == message.sender:
        return message, None
    colleague = User.objects.filter(email__iexact=message.sender, is_active=True, groups__name__in=ROLES).first()
    if colleague is None:
        return message, None
    written = replace(
        message,
        sender=inner.email,
        name=inner.name,
        subject=inner.subject,
        text=inner.text,
        visible=visible_reply(inner.text),
        html="",
        payload={**message.payload, "forwarded_by": message.sender},
    )
    return written, colleague


def note(entry: Entry, colleague: User, message: InboundMessage) -> None:
    """Keeps what the colleague wrote above it, for us alone."""
    comment = message.forwarded.comment if message.forwarded else ""
    words = f"Forwarded by mail. {comment}".strip()
    Entry.objects.create(
        ticket=entry.ticket,
        kind=Entry.Kind.NOTE,
        author=colleague,
        text=words,
        visible=words,
        happened_at=entry.happened_at,
    )
