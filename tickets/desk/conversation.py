"""A ticket's conversation as the desk shows it, and what agents add to it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from tickets import audit, changes, outbox
from tickets.models import Attachment, Entry, Outgoing, Ticket

# Entries of a page; the earlier ones on demand.
SHOWN = 100
# An identical answer of the same person within this time is a second press of the button.
SAME_PRESS = timedelta(minutes=2)
LONGEST = 50_000


class Overtaken(Exception):
    """Somebody else said something on the ticket while the answer was being written."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(f"entry {entry.pk}")
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Conversation:
    """Entries in order; `earlier` says that there are more than are shown."""

    entries: list[Entry]
    earlier: bool

    @property
    def last(self) -> int:
        return max((entry.pk for entry in self.entries), default=0)


def of(ticket: Ticket, *, all_of_it: bool = False) -> Conversation:
    """The conversation in a constant number of queries."""
    rows = (
        ticket.entries.select_related("author")
        .defer("html")
        .prefetch_related(
            Prefetch("attachments", Attachment.objects.order_by("pk")),
            Prefetch("outgoing", Outgoing.objects.defer("text", "html").order_by("pk")),
        )
        .order_by("-happened_at", "-pk")
    )
    found = list(rows if all_of_it else rows[: SHOWN + 1])
    earlier = not all_of_it and len(found) > SHOWN
    return Conversation(list(reversed(found[:SHOWN] if earlier else found)), earlier)


def folded(entry: Entry) -> str:
    """What was folded away from a message: quoted text and signature."""
    visible, text = entry.visible.strip(), entry.text.strip()
    if not visible or visible == text:
        return ""
    return text[len(visible) :].strip() if text.startswith(visible) else text


def reply(ticket: Ticket, author: Any, text: str, *, solve: bool, seen: int) -> Outgoing:
    """Queues an answer. Overtaken when others spoke after entry `seen`; outbox.NoAddress when they have no mail."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).select_related("requester").get(pk=ticket.pk)
        if (twin := _same_press(ticket, author, text)) is not None:
            return twin
        if (other := _newer(ticket, author, seen)) is not None:
            raise Overtaken(other)
        if ticket.assignee_id is None:
            ticket.assignee = author
            ticket.save(update_fields=["assignee"])
        row = outbox.queue_reply(ticket, author, text, solve=solve)
        audit.record(author, "ticket.reply", f"ticket:{ticket.pk}", outgoing=row.pk, solve=solve)
        return row


def _same_press(ticket: Ticket, author: Any, text: str) -> Outgoing | None:
    entry = _said_just_now(ticket, author, text, Entry.Kind.REPLY)
    return entry.outgoing.first() if entry else None


def _said_just_now(ticket: Ticket, author: Any, text: str, kind: Entry.Kind) -> Entry | None:
    since = timezone.now() - SAME_PRESS
    return ticket.entries.filter(kind=kind, author=author, happened_at__gte=since, text=text).first()


def _newer(ticket: Ticket, author: Any, seen: int) -> Entry | None:
    spoken = (Entry.Kind.MESSAGE, Entry.Kind.REPLY, Entry.Kind.VOICEMAIL)
    newer = ticket.entries.filter(pk__gt=seen, kind__in=spoken).exclude(kind=Entry.Kind.REPLY, author=author)
    return newer.select_related("author").order_by("pk").first()


def note(ticket: Ticket, author: Any, text: str) -> Entry:
    """Adds a note that only colleagues read; pressed twice, it is one."""
    with transaction.atomic():
        Ticket.objects.select_for_update().get(pk=ticket.pk)
        if (twin := _said_just_now(ticket, author, text, Entry.Kind.NOTE)) is not None:
            return twin
        entry = Entry.objects.create(
            ticket=ticket, kind=Entry.Kind.NOTE, author=author, text=text, visible=text, happened_at=timezone.now()
        )
        changes.bump(f"ticket:{ticket.pk}")
    return entry


def fault_of(text: str) -> str:
    """What is wrong with a text that is to be sent or kept; empty when nothing is."""
    if not text.strip():
        return "Write something first: the text is empty."
    if len(text) > LONGEST:
        return f"The text is longer than {LONGEST:,} characters. Shorten it, or send the rest as a second message."
    return ""
