"""The one door for what comes in: kept durably first, understood later, under a key that makes retries one."""

import base64
import contextlib
import hashlib
import logging
import math
import os
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DataError, Error, IntegrityError, close_old_connections, connection

from tickets import blobs, nudge, spool
from tickets.models import Arrival, CountsAs

log = logging.getLogger(__name__)

# Arrivals committed in one transaction.
GROUP = 200
# Spooled arrivals drained between two groups, so that those who wait now do not wait for those.
DRAIN = 100
# Seconds between looks at the spool while nothing arrives.
IDLE = 1.0
# Seconds between two nudges of the readers: the first goes at once, and one tells of all that a flood brings meanwhile.
NUDGES = 0.05
UNDERSTAND = "tickets.tasks.understand"
# Faults of an arrival itself; the database is well.
REFUSED = (DataError, IntegrityError, ValueError, TypeError, KeyError)


class NotKept(Exception):
    """Neither database nor disk could keep it: nothing may be confirmed, the sender has to try again."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a door hands over. `payload` is JSON; `body` the raw bytes, if any; `happened_at` aware, UTC."""

    channel: str
    key: str
    sender: str
    happened_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""
    line: str = ""
    counts_as: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """`stored` is "database" or "spool"; `arrival` the row's id where the database has it."""

    stored: str
    arrival: int | None = None


def key_of(*parts: object) -> str:
    """A key from its parts; hashed when it would not fit the column."""
    key = ":".join(str(part) for part in parts)
    return key if len(key) <= 255 else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def body_of(arrival: Arrival) -> bytes:
    """The raw bytes that an arrival came with; empty if there were none."""
    if arrival.blob:
        return blobs.read(arrival.blob)
    return base64.b64decode(arrival.payload.get("_body", ""))


def accept(incoming: Incoming) -> Acceptance:
    """Keeps one arrival and returns when it is durable: in the database, or on disk while the database is away.

    The caller never touches the database: it waits JOURNAL_PATIENCE seconds for the process's writer and then spools.
    NotKept when neither could keep it.
    """
    try:
        record = _record_of(incoming)
    except OSError as error:
        raise NotKept(str(error)) from error
    arrival = writer().submit(record) if settings.JOURNAL_THREAD else _store_here(record)
    if arrival is not None:
        return Acceptance("database", arrival)
    try:
        spool.write(record)
    except OSError as error:
        log.critical("arrival %s %s could be kept nowhere: %s", incoming.channel, incoming.key, error)
        raise NotKept(str(error)) from error
    return Acceptance("spool")


def record(batch: Sequence[Incoming]) -> list[int]:
    """Keeps a batch in one transaction, in the calling thread. Returns the ids in order, known before or not."""
    return store([_record_of(incoming) for incoming in batch])


def store(records: Sequence[spool.Record]) -> list[int]:
    """Writes records (spool form) in one transaction and nudges the readers. The first of a key stands."""
    ids = _write(records)
    _nudge(ids)
    return ids


def _write(records: Sequence[spool.Record]) -> list[int]:
    """Inserts and learns the ids in one statement: a key that is there already is only set to itself."""
    rows: dict[tuple[str, str], Arrival] = {}
    for record in records:
        rows.setdefault((record["channel"], record["key"]), _row_of(record))
    Arrival.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["channel", "key"], update_fields=["key"]
    )
    return [rows[record["channel"], record["key"]].pk for record in records]


def _nudge(ids: Sequence[int]) -> None:
    nudge.send(UNDERSTAND, sorted(set(ids)), queue="intake")


def _store_here(record: spool.Record) -> int | None:
    try:
        return store([record])[0]
    except (*REFUSED, Error) as error:
        log.warning("the arrival goes to the spool: %s", error)
        return None


def _record_of(incoming: Incoming) -> spool.Record:
    payload, blob = _clean(incoming.payload), ""
    if len(incoming.body) > settings.JOURNAL_INLINE_BYTES:
        blob = blobs.put(incoming.body)
    elif incoming.body:
        payload = {**payload, "_body": base64.b64encode(incoming.body).decode()}
    return {
        "channel": incoming.channel,
        "key": key_of(_clean(incoming.key)),
        "sender": _clean(incoming.sender)[:320],
        "line": _clean(incoming.line)[:64],
        "happened_at": incoming.happened_at.isoformat(),
        "payload": payload,
        "blob": blob,
        "counts_as": incoming.counts_as,
    }


def _row_of(record: spool.Record) -> Arrival:
    counts_as = record.get("counts_as", "")
    if counts_as and counts_as not in CountsAs.values:
        raise ValueError(f"counts_as {counts_as!r}")
    return Arrival(
        channel=record["channel"],
        key=record["key"],
        sender=record["sender"],
        line=record.get("line", ""),
        happened_at=datetime.fromisoformat(record["happened_at"]),
        payload=record["payload"],
        blob=record.get("blob", ""),
        counts_as=counts_as,
    )


def _clean(value: Any) -> Any:
    """PostgreSQL keeps neither NUL nor lone surrogates nor NaN; the raw body keeps them exactly."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class Breaker:
    """Opens when the database failed or hung; while open, arrivals go straight to the spool.

    The writer's thread asks the database every JOURNAL_BREAKER_SECONDS and closes it: no caller has to find out.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._next_look = 0.0

    def trip(self) -> None:
        self._next_look = time.monotonic() + settings.JOURNAL_BREAKER_SECONDS
        self.is_open = True

    def reset(self) -> None:
        self.is_open = False

    @property
    def wants_a_look(self) -> bool:
        return self.is_open and time.monotonic() >= self._next_look


@dataclass(slots=True)
class _Pending:
    record: spool.Record
    done: threading.Event = field(default_factory=threading.Event)
    arrival: int | None = None
    # Whoever handed it over waits no longer and has spooled it: storing it here as well would only cost time.
    given_up: bool = False


class Writer:
    """One thread of a process that commits what has gathered in one transaction and acknowledges each."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        # When the database was asked for something that it has not answered yet; 0: nothing is asked.
        self._asked = 0.0
        self._more = False
        # Ids that the readers have not been told of, and when they may be (monotonic seconds).
        self._untold: list[int] = []
        self._next_nudge = 0.0
        self._open = True
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def submit(self, record: spool.Record) -> int | None:
        """The arrival's id once it is committed; None when the database did not answer in time."""
        if self.breaker.is_open or self._hangs():
            return None
        pending = _Pending(record)
        self._queue.put(pending)
        if not pending.done.wait(settings.JOURNAL_PATIENCE):
            pending.given_up = True
            self.breaker.trip()
        return pending.arrival

    def close(self) -> None:
        """Ends the thread after what was handed over before; waits for it."""
        self._queue.put(None)
        self._thread.join()

    def _hangs(self) -> bool:
        """Whether the thread waits for an answer for longer than anybody would wait for it."""
        asked = self._asked
        return bool(asked) and time.monotonic() - asked > settings.JOURNAL_PATIENCE

    def _run(self) -> None:
        while self._open:
            group = self._gather()
            try:
                self._asked = time.monotonic()
                if group:
                    self._commit(group)
                if self.breaker.wants_a_look:
                    self._look()
                if not self.breaker.is_open:
                    self._drain()
                self._tell()
                if not group or self.breaker.is_open:
                    # Back to the pool: a thread that waits for work must not keep one. While much comes, it does.
                    close_old_connections()
            except Exception:  # the thread must outlive whatever happens: nobody else keeps arrivals
                self.breaker.trip()
                log.exception("journal writer")
            finally:
                self._asked = 0.0
                for pending in group:
                    pending.done.set()

    def _gather(self) -> list[_Pending]:
        """Waits for the first, and takes who has come by then. Who has given up meanwhile is in the spool."""
        group: list[_Pending] = []
        wait = 0.001 if self._more else IDLE
        if self._untold:
            wait = min(wait, max(0.001, self._next_nudge - time.monotonic()))
        with contextlib.suppress(queue.Empty):
            while len(group) < GROUP:
                pending = self._queue.get(timeout=0 if group else wait)
                if pending is None:
                    self._open = False
                    break
                group.append(pending)
        return [pending for pending in group if not pending.given_up]

    def _look(self) -> None:
        """Whether the database answers again."""
        try:
            connection.ensure_connection()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            self.breaker.trip()
        else:
            self.breaker.reset()

    def _commit(self, group: list[_Pending]) -> None:
        try:
            self._keep(group)
        except REFUSED:
            for pending in group:
                self._keep_alone(pending)
                if self.breaker.is_open:
                    return

    def _keep_alone(self, pending: _Pending) -> None:
        try:
            self._keep([pending])
        except REFUSED as error:
            log.error("journal refuses an arrival, it goes to the spool: %s", error)
            pending.done.set()

    def _keep(self, group: list[_Pending]) -> None:
        """Commits a group and acknowledges it."""
        try:
            ids = _write([pending.record for pending in group])
        except REFUSED:
            raise
        except Error as error:
            self.breaker.trip()
            log.warning("database away, arrivals go to the spool: %s", error)
            return
        self.breaker.reset()
        for pending, arrival in zip(group, ids, strict=True):
            pending.arrival = arrival
            pending.done.set()
        self._untold += ids

    def _tell(self) -> None:
        """Nudges the readers, after those who wait have their answer: a broker may take its time."""
        if self._untold and (time.monotonic() >= self._next_nudge or not self._open):
            self._next_nudge = time.monotonic() + NUDGES
            told, self._untold = self._untold, []
            _nudge(told)

    def _drain(self) -> None:
        """Drains the oldest of the spool; what is left has its turn after those who arrived meanwhile."""
        self._more = False
        try:
            if not spool.is_empty():
                drained = spool.drain(store, DRAIN)
                self._more = drained == DRAIN
                log.info("spool: %d arrivals drained", drained)
        except Error as error:
            self.breaker.trip()
            log.warning("spool waits for the database: %s", error)
        except OSError as error:
            # The disk's fault: the database goes on taking what arrives.
            log.error("spool cannot be drained: %s", error)


_writer: tuple[int, Writer] | None = None
_writer_lock = threading.Lock()


def writer() -> Writer:
    """The writer of this process, started when first asked for (and anew after a fork)."""
    global _writer
    with _writer_lock:
        if _writer is None or _writer[0] != os.getpid():
            _writer = (os.getpid(), Writer())
        return _writer[1]
