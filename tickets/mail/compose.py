"""Builds mails: which headers thread them, which say that a machine wrote them, and the message itself."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from tickets.mail import senders, tokens
from tickets.models import Entry, MessageReference, Outgoing, Ticket

# Message-IDs that References carries at the most: the first and the newest (RFC 5322 sets no limit, servers do).
REFERENCES = 20

Threads = dict[int, list[tuple[str, bool]]]

_Kind = Outgoing.Kind
# RFC 3834: "auto-replied" answers a message, "auto-generated" does not; a person's own words bear nothing.
AUTO_SUBMITTED = {
    _Kind.ACKNOWLEDGEMENT: "auto-replied",
    _Kind.BROADCAST: "auto-generated",
    _Kind.UPDATE: "auto-generated",
    _Kind.ALERT: "auto-generated",
}
BULK = frozenset({_Kind.BROADCAST, _Kind.UPDATE})


def one_line(text: str, limit: int = 300) -> str:
    """A text as a header may carry it: one line, no control characters."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:limit]


def kind_headers(kind: str) -> dict[str, str]:
    """The headers that tell other machines what kind of mail this is."""
    if kind not in AUTO_SUBMITTED:
        return {}
    headers = {"Auto-Submitted": AUTO_SUBMITTED[_Kind(kind)], "X-Auto-Response-Suppress": "All"}
    return {**headers, "Precedence": "bulk"} if kind in BULK else headers


def thread_headers(own_ids: Sequence[str], last_received: str) -> dict[str, str]:
    """In-Reply-To and References from the thread's Message-IDs, the oldest first."""
    chain = list(dict.fromkeys([*own_ids, last_received])) if last_received else list(dict.fromkeys(own_ids))
    if last_received:
        chain.remove(last_received)
        chain.append(last_received)
    if len(chain) > REFERENCES:
        chain = [chain[0], *chain[1 - REFERENCES :]]
    return {"In-Reply-To": chain[-1], "References": " ".join(chain)} if chain else {}


def threads_of(tickets: Collection[int]) -> Threads:
    """The Message-IDs on these tickets, the oldest first, and whether the customer wrote it; one query for all."""
    threads: Threads = defaultdict(list)
    if tickets:
        known = MessageReference.objects.filter(entry__ticket__in=tickets, own=True)
        fields = ("entry__ticket_id", "message_id", "entry__kind")
        for pk, value, kind in known.order_by("entry__happened_at", "pk").values_list(*fields):
            threads[pk].append((bracketed(value), kind == Entry.Kind.MESSAGE))
    return threads


def headers_for(kind: str, ticket: Ticket | None, threads: Threads) -> dict[str, str]:
    """All headers of a mail about `ticket` but its Message-ID."""
    headers = kind_headers(kind)
    if ticket is None:
        return headers
    ids = threads.get(ticket.pk, [])
    received = [value for value, customers in ids if customers]
    threading = thread_headers([value for value, _ in ids], received[-1] if received else "")
    return {**headers, **threading, "Reply-To": tokens.reply_address(ticket)}


def bracketed(message_id: str) -> str:
    """A Message-ID with its angle brackets, however it was stored."""
    return f"<{message_id.strip().strip('<>')}>"


def message_for(row: Outgoing) -> EmailMultiAlternatives:
    """The message of a row. ValueError when its address or a header cannot be written."""
    sender = senders.current()
    message = EmailMultiAlternatives(
        subject=row.subject,
        body=row.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[row.to],
        headers={**sender.headers, **_headers_of(row)},
    )
    if row.html:
        message.attach_alternative(row.html, "text/html")
    if sender.labels:
        message.metadata = _label(row)  # type: ignore[attr-defined]  # anymail's
    return message


def merged(rows: Sequence[Outgoing], merge: senders.Merge) -> EmailMultiAlternatives:
    """One message of many rows (`parcels`), each recipient with words and headers of their own."""
    message = EmailMultiAlternatives(
        subject=merge.field.format("subject"),
        body=merge.field.format("text"),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[row.to for row in rows],
        headers=dict(senders.current().headers),
    )
    if rows[0].html:
        message.attach_alternative(merge.html_field.format("html"), "text/html")
    words = {row.to: {"subject": row.subject, "text": row.text, "html": row.html} for row in rows}
    message.merge_data = words  # type: ignore[attr-defined]
    message.merge_headers = {row.to: _headers_of(row) for row in rows}  # type: ignore[attr-defined]
    message.merge_metadata = {row.to: _label(row) for row in rows}  # type: ignore[attr-defined]
    return message


def parcels(rows: Sequence[Outgoing], merge: senders.Merge | None) -> list[list[Outgoing]]:
    """Rows that may go in one call, in their order: as many as there may be, one for each address, alike in form."""
    if merge is None:
        return [[row] for row in rows]
    found: list[list[Outgoing]] = []
    begun: dict[tuple[bool, frozenset[str]], tuple[list[Outgoing], set[str]]] = {}
    for row in rows:
        if any(merge.reserved in words for words in (row.subject, row.text, row.html)):
            found.append([row])
            continue
        form = bool(row.html), frozenset(row.headers)
        parcel, addresses = begun.get(form, ([], set()))
        if not parcel or len(parcel) >= merge.most or row.to.lower() in addresses:
            parcel, addresses = begun[form] = [], set()
            found.append(parcel)
        parcel.append(row)
        addresses.add(row.to.lower())
    return found


def _headers_of(row: Outgoing) -> dict[str, str]:
    return {**row.headers, "Message-ID": row.message_id}


def _label(row: Outgoing) -> dict[str, str]:
    """What a provider's events about the mail carry, so that they find its row whatever the provider called it."""
    return {"row": str(row.pk)}
