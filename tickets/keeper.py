"""Documents that requests answer from: compiled every second by a thread, outside any request, with a copy on disk."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections

from tickets.blobs import write_durably

log = logging.getLogger(__name__)

Document = dict[str, Any]

# Seconds that a process which has just begun waits for its first compilation before the copy on disk has to do.
FIRST = 0.5


class Keeper:
    """Keeps one document (JSON) current. `current()` never touches the database in the calling thread.

    The copy on disk lets a process that starts while the database is away answer as the last one did.
    """

    def __init__(self, name: str, compile_: Callable[[], Document], every: float = 1.0) -> None:
        self.name, self._compile, self._every = name, compile_, every
        self._document: Document | None = None
        self._on_disk: Document | None = None
        self._thread_pid = 0
        self._refreshed = float("-inf")
        self._began = 0.0
        self._lock = threading.Lock()
        self._ready = threading.Event()

    @property
    def path(self) -> Path:
        return Path(settings.VAR) / "kept" / f"{self.name}.json"

    def current(self) -> Document:
        """The newest document known; empty if there never was one."""
        if settings.KEEPER_THREADS:
            self.start()
            if self._document is None:
                # The copy may be as old as the process before: what is in force now is worth half a second once.
                self._ready.wait(max(0.0, self._began + FIRST - time.monotonic()))
        if self._document is None:
            self._document = self._load()
        return self._document or {}

    def age(self) -> float:
        """Seconds since the document was compiled here; infinite for a copy from disk."""
        return time.monotonic() - self._refreshed

    def start(self) -> None:
        """Starts this process's thread unless it runs."""
        if self._thread_pid == os.getpid():
            return
        with self._lock:
            if self._thread_pid != os.getpid():
                self._began = time.monotonic()
                self._thread_pid = os.getpid()
                threading.Thread(target=self._run, name=f"keeper-{self.name}", daemon=True).start()

    def refresh(self) -> Document:
        """Compiles now, in the calling thread; raises what the database raises."""
        document = self._compile()
        self._document = document
        self._refreshed = time.monotonic()
        self._ready.set()
        if document != self._on_disk:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self.path, json.dumps(document).encode())
            self._on_disk = document
        return document

    def forget(self) -> None:
        """Forgets what is in memory, as a new process would."""
        self._document = self._on_disk = None
        self._refreshed = float("-inf")
        self._ready.clear()

    def _load(self) -> Document | None:
        try:
            loaded = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return None
        return loaded if isinstance(loaded, dict) else None

    def _run(self) -> None:
        failing = False
        while True:
            try:
                self.refresh()
                failing = False
            except Exception as error:  # the thread outlives every fault: the last good copy goes on answering
                if not failing:
                    log.warning("%s cannot be refreshed, the last copy stays in force: %s", self.name, error)
                failing = True
            # The connection goes back to the pool: a thread that sleeps must not keep one from those who work.
            close_old_connections()
            time.sleep(self._every)
