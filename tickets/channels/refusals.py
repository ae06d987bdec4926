"""Unsigned and wrongly signed requests, counted by the minute on disk: many of them are an alarm."""

import logging
import os
import time
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

# Minutes that are kept, and refusals of one door in one minute that are written down.
KEPT, MOST = 60, 1000


def refused(door: str) -> None:
    """Counts one refused request of `door` ("voice", "mail/postmark" …). Never raises, never blocks."""
    path = _path(door, int(time.time() // 60))
    try:
        if path.exists() and path.stat().st_size >= MOST:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # One byte a refusal, appended: exact across processes and threads without a lock.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, b".")
        finally:
            os.close(handle)
    except OSError as error:
        log.warning("a refused request at %s was not counted: %s", door, error)


def recent(minutes: int = 5) -> dict[str, int]:
    """Refusals of each door in the last `minutes`, this one included; forgets what is older than KEPT minutes."""
    now = int(time.time() // 60)
    found: dict[str, int] = {}
    for path in _folder().glob("*.*"):
        door, _, minute = path.name.rpartition(".")
        if not minute.isdigit():
            continue
        if now - int(minute) > KEPT:
            path.unlink(missing_ok=True)
        elif now - int(minute) < minutes:
            found[door.replace("~", "/")] = found.get(door.replace("~", "/"), 0) + path.stat().st_size
    return found


def _folder() -> Path:
    return Path(settings.VAR) / "refusals"


def _path(door: str, minute: int) -> Path:
    return _folder() / f"{door.replace('/', '~')}.{minute}"
