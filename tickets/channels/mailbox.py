"""Mailboxes that are polled by IMAP: each message is kept first, and only then flagged or moved."""

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from imaplib import IMAP4, Internaldate2tuple
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.db import Error, close_old_connections
from django.utils import timezone
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from tickets import heartbeats, journal
from tickets.mail.reading import read
from tickets.message import InboundMessage
from tickets.models import Arrival, Channel, MailboxState

log = logging.getLogger(__name__)

# The keyword that says a message is kept; mailboxes that allow no keywords get \Seen instead.
KEPT = "$BreakwaterKept"
# Seconds for an answer of the server, and messages looked at in one poll.
PATIENCE, MOST = 30, 200
# A message larger than this is kept by its header, and stays in the mailbox.
LARGEST = 50 * 1024 * 1024
# Pauses after a failure, doubling: a wrong password tried every few seconds locks accounts.
FIRST_PAUSE, LONGEST_PAUSE = 30, 3600
FAULTS = (OSError, IMAP4.error, ImapToolsError)
SCHEMES = {"imaps": 993, "imap+starttls": 143, "imap": 143}


class BadAddress(ValueError):
    """A mailbox's URL cannot be used; says what is wrong, without its password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a mailbox is: `imaps://user:password@host/folder?move=Done`. Its name shows no password."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str
    move: str = ""

    @property
    def name(self) -> str:
        return f"{self.user}@{self.host}/{self.folder}"


def parsed(url: str) -> Address:
    """The address in a URL. BadAddress."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise BadAddress(f"a mailbox begins with {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    try:
        port = parts.port or SCHEMES[parts.scheme]
    except ValueError as error:
        raise BadAddress(f"the port of the mailbox at {parts.hostname} is no number") from error
    if not parts.hostname or not parts.username or not parts.password:
        raise BadAddress(f"the mailbox at {parts.hostname or '?'} needs user, password and host")
    query = parse_qs(parts.query)
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        move=query.get("move", [""])[0],
    )


# ── polling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def poll(address: Address) -> int:
    """Keeps what is new in a mailbox. Returns how many messages; raises FAULTS, and journal.NotKept."""
    with _opened(address) as mailbox:
        validity = mailbox.folder.status(address.folder, ["UIDVALIDITY"]).get("UIDVALIDITY", 0)
        flag = KEPT if _takes_keywords(mailbox) else "\\Seen"
        new = mailbox.uids(f"UNKEYWORD {KEPT}" if flag == KEPT else "UNSEEN")[:MOST]
        for uid in new:
            found = _fetched(mailbox, uid)
            if found is None:
                continue  # somebody took it out of the mailbox meanwhile
            # The same message has the same key in every poll, however many run at once and wherever one broke off.
            journal.accept(_incoming(address, f"{validity}:{uid}", found))
            if address.move:
                mailbox.move(uid, address.move)
            else:
                mailbox.flag(uid, flag, True)
        return len(new)


def read_arrival(arrival: Arrival) -> InboundMessage:
    """Reads what was journaled."""
    found = read(journal.body_of(arrival), arrival.happened_at)
    size = arrival.payload.get("too_large")
    if not size:
        return found
    words = f"This message is too large to be taken in ({int(size) / 2**20:.0f} MB). It is still in the mailbox."
    payload = {**found.payload, "problems": [*found.payload.get("problems", []), words]}
    return replace(found, text=words, visible=words, html="", payload=payload)


def _opened(address: Address) -> BaseMailBox:
    mailbox: BaseMailBox
    if address.scheme == "imap":
        mailbox = MailBoxUnencrypted(address.host, address.port, timeout=PATIENCE)
    else:
        # Said outright: left to itself, imaplib takes any certificate.
        kind = MailBox if address.scheme == "imaps" else MailBoxStartTls
        mailbox = kind(address.host, address.port, timeout=PATIENCE, ssl_context=ssl.create_default_context())
    try:
        return mailbox.login(address.user, address.password, initial_folder=address.folder)
    except FAULTS:
        mailbox.client.shutdown()
        raise


def _takes_keywords(mailbox: BaseMailBox) -> bool:
    _, allowed = mailbox.client.response("PERMANENTFLAGS")
    return any(b"\\*" in (part or b"") for part in allowed)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A message's bytes, when the server took it in, and its size where only its header was taken."""

    raw: bytes
    at: datetime
    too_large: int = 0


def _fetched(mailbox: BaseMailBox, uid: str) -> _Fetched | None:
    """A message; None when it is gone."""
    _, found = mailbox.client.uid("FETCH", uid, "(RFC822.SIZE INTERNALDATE)")
    facts = [part for part in found if isinstance(part, bytes) and b"RFC822.SIZE" in part]
    if not facts:
        return None
    size = int(facts[0].partition(b"RFC822.SIZE")[2].split(b")")[0].split()[0])
    what = "BODY.PEEK[]" if size <= LARGEST else "BODY.PEEK[HEADER]"
    _, found = mailbox.client.uid("FETCH", uid, f"({what})")
    raw = next((part[1] for part in found if isinstance(part, tuple)), None)
    return None if raw is None else _Fetched(raw, _taken_in(facts[0]), size if size > LARGEST else 0)


def _taken_in(facts: bytes) -> datetime:
    """When the server took it in (INTERNALDATE), never later than now: a mailbox that was down brings what is old."""
    now, local = timezone.now(), Internaldate2tuple(facts)
    return min(datetime.fromtimestamp(time.mktime(local), UTC), now) if local else now


def _incoming(address: Address, place: str, found: _Fetched) -> journal.Incoming:
    return journal.Incoming(
        channel=Channel.MAILBOX,
        key=journal.key_of(address.name, place),
        sender="",
        happened_at=found.at,
        payload={"mailbox": address.name, **({"too_large": found.too_large} if found.too_large else {})},
        body=found.raw,
        line=address.name,
    )


# ── when, and what of failures ───────────────────────────────────────────────────────────────────────────────────────

_polling: set[str] = set()
_lock = threading.Lock()


def addresses() -> Iterator[Address]:
    """The mailboxes of the settings that can be used; the others are a system check's matter."""
    for url in settings.MAILBOXES:
        try:
            yield parsed(url)
        except BadAddress as error:
            log.error("a mailbox is left out: %s", error)


def start_polls() -> int:
    """Polls each mailbox that is due in a thread of its own: one that hangs holds up nobody. Returns how many began."""
    begun = 0
    for address in addresses():
        with _lock:
            if address.name in _polling:
                continue
            _polling.add(address.name)
        threading.Thread(target=_poll_in_thread, args=(address,), name=f"mailbox {address.name}", daemon=True).start()
        begun += 1
    return begun


def poll_when_due(address: Address) -> str:
    """Polls a mailbox unless it failed a moment ago, and notes how it went. Returns the fault, or nothing."""
    state, _ = MailboxState.objects.get_or_create(name=address.name)
    now = timezone.now()
    if state.next_try_at and state.next_try_at > now:
        return state.error
    try:
        while poll(address) >= MOST:
            pass
    except (*FAULTS, journal.NotKept) as error:
        refused = isinstance(error, MailboxLoginError)
        state.failures += 1
        state.error = "the server refuses user and password" if refused else f"{type(error).__name__}: {error}"[:300]
        pause = min(FIRST_PAUSE * 2 ** min(state.failures - 1, 10), LONGEST_PAUSE)
        state.next_try_at = now + timedelta(seconds=pause)
        log.warning("mailbox %s: %s; tried again in %s s", address.name, state.error, pause)
        heartbeats.missed(f"{heartbeats.MAILBOX}{address.name}", state.error, now)
    else:
        heartbeats.beat(f"{heartbeats.MAILBOX}{address.name}", now)
        state.failures, state.error, state.next_try_at, state.polled_at = 0, "", None, timezone.now()
    state.save()
    return state.error


def _poll_in_thread(address: Address) -> None:
    begun = time.monotonic()
    try:
        poll_when_due(address)
    except Error as error:
        log.warning("mailbox %s waits for the database: %s", address.name, error)
    finally:
        close_old_connections()
        with _lock:
            _polling.discard(address.name)
        log.debug("mailbox %s: %.1f s", address.name, time.monotonic() - begun)
