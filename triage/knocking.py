"""Knocks at our own doors through the public address: what answers is alive, and its minutes are known."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils import timezone

from tickets import heartbeats
from tickets.channels import front_door
from tickets.channels.front_door import Unanswered
from triage.surge import sources
from triage.surge.gaps import VOICE
from voice import heartbeat

log = logging.getLogger(__name__)

Knock = Callable[[], None]
KNOCKS: Mapping[str, Knock] = {heartbeats.FRONT: front_door.knock, VOICE: heartbeat.knock}


class Knocker:
    """Knocks in threads, which touch no database, and keeps what they found when it is asked again."""

    def __init__(self, knocks: Mapping[str, Knock] = KNOCKS) -> None:
        self._knocks = knocks
        self._found: queue.SimpleQueue[tuple[str, datetime, datetime, str]] = queue.SimpleQueue()
        self._threads: dict[str, threading.Thread] = {}
        self._said: dict[str, str] = {}

    def knock(self) -> int:
        """Keeps what was found since the last time, and knocks at each door that is set up. Returns at how many."""
        self.keep()
        knocked = 0
        for source in sources.expected():
            if source not in self._knocks or self._is_busy(source):
                continue
            thread = threading.Thread(target=self._try, args=(source,), name=f"heartbeat {source}", daemon=True)
            self._threads[source] = thread
            thread.start()
            knocked += 1
        return knocked

    def keep(self) -> int:
        """Keeps what was found. Returns how many answers and failures."""
        kept = 0
        while not self._found.empty():
            source, began, ended, fault = self._found.get()
            if fault != self._said.get(source, ""):
                log.warning("heartbeat of %s: %s", source, fault or "it answers again")
            self._said[source] = fault
            if fault:
                heartbeats.missed(source, fault, began)
            else:
                heartbeats.beat(source, began, ended)
            kept += 1
        return kept

    def wait(self) -> None:
        """Waits until all that were knocked at have answered or have not."""
        for thread in self._threads.values():
            thread.join()

    def _is_busy(self, source: str) -> bool:
        return source in self._threads and self._threads[source].is_alive()

    def _try(self, source: str) -> None:
        began, fault = timezone.now(), ""
        try:
            self._knocks[source]()
        except (Unanswered, LookupError) as error:
            fault = str(error) or type(error).__name__
        except Exception as error:  # whatever it is, it is no sign of life
            log.exception("heartbeat of %s", source)
            fault = f"{type(error).__name__}: {error}"
        self._found.put((source, began, timezone.now(), fault))


KNOCKER = Knocker()
