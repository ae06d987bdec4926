"""From messages to conversations: whom each is from, which ticket it answers or opens, what is acknowledged.

Everything here is done for many messages at once, with as many queries for a block as for one: in a flood that is what
decides how fast the queue fills. Messages of one block have nothing to do with each other (`blocks`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from django.utils import timezone

from tickets import acknowledge, blobs, changes, forwarding, loop_guard
from tickets.mail import threads
from tickets.message import File, InboundMessage, storable
from tickets.models import Arrival, Attachment, Entry, MessageReference, Requester, Ticket
from tickets.requesters import Sender, requesters_of

# When a new ticket should have its first answer.
ANSWER_WITHIN = timedelta(hours=4)
# A message on a ticket solved longer ago opens a new one that links back.
REOPEN_WITHIN = timedelta(days=14)

# What reading a message again changes, of its entry and of a ticket that stood in its place; and what it leaves.
REWRITTEN = ("kind", "sender", "sender_name", "text", "visible", "html", "payload")
TICKET_REWRITTEN = ("subject", "requester", "language", "unreadable", "last_text", "last_from")
KEPT_FLAGS = ("follows", "stranger", "reopened")

Item = tuple[InboundMessage, Arrival | None]
Origin = TypeVar("Origin")


@dataclass(frozen=True, slots=True)
class Received:
    """The ticket a message joined or opened (`created`), and its entry."""

    ticket: Ticket
    entry: Entry
    created: bool
    message: InboundMessage


Hook = Callable[[Sequence[Received]], None]
_hooks: list[Hook] = []
Again = Callable[[Entry, str], None]
_again: list[Again] = []


def on_received(hook: Hook) -> None:
    """Calls `hook` in the transaction that receives messages. Called once, from the owner's `apps.py`."""
    if hook not in _hooks:
        _hooks.append(hook)


def on_rewritten(hook: Again) -> None:
    """Calls `hook` with an entry that was written anew and its subject, in that transaction. Called once, likewise."""
    if hook not in _again:
        _again.append(hook)


def receive(message: InboundMessage, arrival: Arrival | None) -> Received:
    """Joins the message to the ticket it answers, or opens one. Runs in the caller's transaction."""
    return receive_many([(message, arrival)])[0]


def receive_many(items: Sequence[Item]) -> list[Received]:
    """The same for a block of messages that have nothing to do with each other."""
    unwrapped = [forwarding.unwrapped(message) for message, _ in items]
    messages = [message for message, _ in unwrapped]
    people = requesters_of([Sender(one.sender_kind, one.sender, one.name, one.language) for one in messages])
    found = threads.find_many(list(zip(messages, people, strict=True)))
    joined: list[Ticket | None] = []
    for place, thread in enumerate(found):
        more: dict[str, object] = {}
        if thread is not None and _is_long_over(thread.ticket):
            more, thread = {"follows": thread.ticket.pk}, None
        elif thread is not None and thread.stranger:
            more = {"stranger": True}
        messages[place] = replace(messages[place], payload={**messages[place].payload, **more})
        joined.append(thread.ticket if thread else None)
    tickets = _open(messages, people, joined)
    entries = _write(tickets, messages, [arrival for _, arrival in items])
    received = [
        Received(ticket, entry, old is None, message)
        for ticket, entry, old, message in zip(tickets, entries, joined, messages, strict=True)
    ]
    for one, (_, colleague) in zip(received, unwrapped, strict=True):
        if colleague is not None:
            forwarding.note(one.entry, colleague, one.message)
        if not one.created:
            _join(one)
    for hook in _hooks:
        hook(received)
    acknowledge.consider_many([(one.ticket, one.entry, one.message) for one in received if one.created])
    # Nobody looks at the page of a ticket that is not there yet.
    changes.bump("tickets", *(f"ticket:{one.ticket.pk}" for one in received if not one.created))
    return received


def rewrite(entry: Entry, message: InboundMessage) -> None:
    """Writes an entry anew from what its message says now, in the caller's transaction.

    A ticket that stood in place of the message gets its subject and its requester.
    """
    ticket, arrival = entry.ticket, entry.arrival
    message, _ = forwarding.unwrapped(message)
    new = _new_entry(ticket, message, arrival)
    new.payload = {**{name: entry.payload[name] for name in KEPT_FLAGS if name in entry.payload}, **new.payload}
    for name in REWRITTEN:
        setattr(entry, name, getattr(new, name))
    entry.save(update_fields=REWRITTEN)
    entry.references.all().delete()
    entry.attachments.all().delete()
    _write_around([entry], [message])
    if ticket.unreadable and not message.unreadable:
        person = requesters_of([Sender(message.sender_kind, message.sender, message.name, message.language)])[0]
        right = _new_ticket(message, person)
        for name in TICKET_REWRITTEN:
            setattr(ticket, name, getattr(right, name))
        ticket.save(update_fields=[*TICKET_REWRITTEN, "changed_at"])
    for hook in _again:
        hook(entry, message.subject)
    changes.bump("tickets", f"ticket:{ticket.pk}")


def blocks(items: Sequence[tuple[InboundMessage, Origin]], most: int) -> list[list[tuple[InboundMessage, Origin]]]:
    """Cuts messages, in their order, where one has to do with another before it in its block.

    That is: one person's second message, a message that refers to another one here, the same message once more; and
    what a colleague forwards, whose sender is known only later, stands alone.
    """
    found: list[list[tuple[InboundMessage, Origin]]] = []
    senders: set[tuple[str, str]] = set()
    ids: set[str] = set()
    named: set[str] = set()
    closed = True
    for item in items:
        message = item[0]
        sender = (message.sender_kind, message.sender.strip().lower())
        own = {message.message_id} - {""}
        alone = message.forwarded is not None
        related = sender in senders or own & (ids | named) or ids & set(message.references)
        if closed or alone or related or len(found[-1]) >= most:
            found.append([])
            senders, ids, named = set(), set(), set()
        found[-1].append(item)
        senders |= {sender} if sender[1] else set()
        ids |= own
        named |= set(message.references)
        closed = alone
    return found


def body_hash(message: InboundMessage) -> str:
    """Tells two messages under one Message-ID apart: white space does not count, transports change it."""
    return hashlib.sha256(" ".join(storable(message.text).split()).encode()).hexdigest()


def repeated(messages: Sequence[InboundMessage]) -> list[bool]:
    """Which messages we have already: the same Message-ID is the same message only if sender and body agree.

    Providers and mailboxes overlap.
    """
    ids = {storable(one.message_id, 255) for one in messages if one.message_id and not one.unreadable}
    if not ids:
        return [False] * len(messages)
    fields = ("message_id", "entry__sender", "entry__payload__body")
    known = set(MessageReference.objects.filter(message_id__in=ids, own=True).values_list(*fields))
    return [
        not one.unreadable and (storable(one.message_id, 255), _sender(one), body_hash(one)) in known
        for one in messages
    ]


def _open(
    messages: Sequence[InboundMessage], people: Sequence[Requester], joined: Sequence[Ticket | None]
) -> list[Ticket]:
    """The ticket of each message: the one it joins, or a new one."""
    tickets = [
        old or _new_ticket(message, requester) for message, requester, old in zip(messages, people, joined, strict=True)
    ]
    Ticket.objects.bulk_create([ticket for ticket in tickets if ticket.pk is None])
    return tickets


def _new_ticket(message: InboundMessage, requester: Requester) -> Ticket:
    return Ticket(
        subject=storable(message.subject, 300) or storable(message.visible or message.text, 80),
        requester=requester,
        medium=message.medium,
        language=message.language[:35] or requester.language,
        unreadable=message.unreadable,
        simulated=message.simulated,
        created_at=message.happened_at,
        waiting_since=message.happened_at,
        due_at=message.happened_at + ANSWER_WITHIN,
        **_newest(message),
    )


def _newest(message: InboundMessage) -> dict[str, str]:
    line = " ".join(storable(message.visible or message.text).split())
    return {"last_text": line[:240], "last_from": storable(message.name or message.sender, 200)}


def _write(
    tickets: Sequence[Ticket], messages: Sequence[InboundMessage], arrivals: Sequence[Arrival | None]
) -> list[Entry]:
    entries = [
        _new_entry(ticket, message, arrival)
        for ticket, message, arrival in zip(tickets, messages, arrivals, strict=True)
    ]
    Entry.objects.bulk_create(entries)
    _write_around(entries, messages)
    return entries


def _write_around(entries: Sequence[Entry], messages: Sequence[InboundMessage]) -> None:
    """What belongs to entries: the Message-IDs that they bear and name, and their files."""
    references: list[MessageReference] = []
    files: list[Attachment] = []
    for entry, message in zip(entries, messages, strict=True):
        ids = [(message.message_id, True)] if message.message_id else []
        ids += [(reference, False) for reference in dict.fromkeys(message.references)]
        references += [MessageReference(entry=entry, message_id=storable(value, 255), own=own) for value, own in ids]
        files += [_attachment(entry, file) for file in message.attachments]
    MessageReference.objects.bulk_create(references)
    Attachment.objects.bulk_create(files)


def _new_entry(ticket: Ticket, message: InboundMessage, arrival: Arrival | None) -> Entry:
    text = storable(message.text)
    return Entry(
        ticket=ticket,
        kind=Entry.Kind.AUTOMATIC if message.automatic else message.entry_kind,
        sender=_sender(message),
        sender_name=storable(message.name, 200),
        text=text,
        visible=storable(message.visible) or text,
        html=storable(message.html),
        payload={**message.payload, "body": body_hash(message)},
        arrival=arrival,
        happened_at=message.happened_at,
    )


def _sender(message: InboundMessage) -> str:
    return storable(message.sender, 320).lower()


def _attachment(entry: Entry, file: File) -> Attachment:
    return Attachment(
        entry=entry,
        name=storable(file.name, 255) or "file",
        content_type=storable(file.content_type, 120) or "application/octet-stream",
        size=file.size or len(file.content),
        blob=file.blob or blobs.put(file.content),
        content_id=storable(file.content_id, 255),
    )


def _join(received: Received) -> None:
    """The customer waits for us again, unless it was a machine that wrote, or one that writes each time we solve it."""
    ticket, message = received.ticket, received.message
    if message.automatic:
        return
    if ticket.state == Ticket.State.SOLVED:
        if not loop_guard.may_reopen(ticket, timezone.now()):
            loop_guard.note(ticket, f"Not opened again: it was {loop_guard.REOPENINGS} times within a day")
            return
        received.entry.payload["reopened"] = True
        received.entry.save(update_fields=["payload"])
    for name, value in _newest(message).items():
        setattr(ticket, name, value)
    if ticket.waiting_since is None:
        ticket.waiting_since = message.happened_at
        ticket.due_at = message.happened_at + ANSWER_WITHIN
    ticket.state, ticket.solved_at = Ticket.State.OPEN, None
    ticket.save(update_fields=["last_text", "last_from", "waiting_since", "due_at", "state", "solved_at", "changed_at"])


def _is_long_over(ticket: Ticket) -> bool:
    if ticket.state == Ticket.State.CLOSED:
        return True
    return ticket.solved_at is not None and ticket.solved_at < timezone.now() - REOPEN_WITHIN
