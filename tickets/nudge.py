"""The one function that publishes to Celery: ids only, after commit, never waiting long and never raising."""

import logging
import time
from functools import partial
from threading import Lock
from typing import Any

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)

# Seconds without an attempt after the broker failed, so that a dead broker costs one time-out and not one per row.
PAUSE = 2.0
_lock = Lock()
_silent_until = 0.0
_failed = False


def send(task: str, *args: Any, queue: str = "live") -> None:
    """Asks a worker to look at rows. What it says stands in the database, so that losing a nudge only delays."""
    transaction.on_commit(partial(_publish, task, args, queue), robust=True)


def broker_is_away() -> bool:
    """Whether the last nudge of this process could not be published."""
    return _failed


def _publish(task: str, args: tuple[Any, ...], queue: str) -> None:
    global _silent_until, _failed
    if time.monotonic() < _silent_until:
        return
    try:
        current_app.send_task(task, args=args, queue=queue, retry=False)
        _failed = False
    except Exception as error:  # whatever the transport raises: a nudge may be lost, the row is not
        with _lock:
            _silent_until, _failed = time.monotonic() + PAUSE, True
        log.warning("broker away, nudges pause for %.0f s: %s", PAUSE, error)
