"""Arrivals on disk while the database is away: one durable file each, drained in order when it is back."""

import fcntl
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError

from tickets.blobs import make_folder, write_durably

log = logging.getLogger(__name__)

# Files handed to the database in one transaction.
CHUNK = 100

Record = dict[str, Any]


def folder() -> Path:
    return Path(settings.VAR) / "spool"


def bad_folder() -> Path:
    """Files that could not be drained; shown in the control room, never deleted by us."""
    return folder() / "bad"


def write(record: Record) -> Path:
    """Keeps one record (JSON, with `channel` and `key`) durably. The first copy of a key stands. OSError: not kept."""
    name = hashlib.sha256(f"{record['channel']}\0{record['key']}".encode()).hexdigest()
    target = folder() / f"{name}.json"
    if not target.exists():
        make_folder(folder())
        write_durably(target, json.dumps(record).encode())
    return target


def is_empty() -> bool:
    """Whether nothing waits to be drained; cheap, however much does."""
    return next(folder().glob("*.json"), None) is None


def waiting() -> list[Path]:
    """The files to be drained, the oldest first."""
    found = []
    for path in folder().glob("*.json"):
        try:
            found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue
    return [path for _, path in sorted(found)]


def drain(store: Callable[[list[Record]], object], limit: int | None = None) -> int:
    """Hands waiting records to `store` (which commits) and removes them after, `limit` files at most, the oldest first.

    Returns how many were drained.

    One process drains at a time. Errors of the database itself are raised and leave every file in place; a record that
    the database refuses moves to `bad/` and holds up nobody.
    """
    drained = 0
    with _turn() as mine:
        files = waiting()[:limit] if mine else []
        for start in range(0, len(files), CHUNK):
            drained += _drain_chunk(files[start : start + CHUNK], store)
    return drained


def _drain_chunk(files: list[Path], store: Callable[[list[Record]], object]) -> int:
    readable = [(path, record) for path in files if (record := _load(path)) is not None]
    if not readable:
        return 0
    try:
        store([record for _, record in readable])
    except (DataError, IntegrityError, ValueError, TypeError, KeyError) as error:
        if len(readable) == 1:
            set_aside(readable[0][0], str(error))
            return 0
        return sum(_drain_chunk([path], store) for path, _ in readable)
    for path, _ in readable:
        path.unlink(missing_ok=True)
    return len(readable)


def _load(path: Path) -> Record | None:
    try:
        record = json.loads(path.read_bytes())
        if not isinstance(record, dict):
            raise ValueError("not an object")
        return record
    except FileNotFoundError:
        return None
    except ValueError as error:
        set_aside(path, str(error))
        return None


def set_aside(path: Path, why: str) -> None:
    """Moves a file that cannot be drained to `bad/`."""
    log.error("spool: %s cannot be drained and moves to bad/: %s", path.name, why)
    bad_folder().mkdir(parents=True, exist_ok=True)
    path.replace(bad_folder() / path.name)


@contextmanager
def _turn() -> Iterator[bool]:
    """True for the one process that may drain now. The lock falls with the process that holds it."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
