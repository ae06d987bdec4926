"""kombu's filesystem transport, with messages that appear whole or not at all: readers look while others write."""

import contextlib
import logging
import os
import threading
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps

log = logging.getLogger(__name__)
_binding = threading.Lock()


class Channel(filesystem.Channel):
    """Writes under another name first. The name of a message is its age and its queue, as the transport reads it."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu names it twice
        folder = Path(self.data_folder_out)
        hidden = folder / f".{uuid.uuid4()}"
        hidden.write_text(dumps(payload))
        hidden.rename(folder / f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg")

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        """One thread of a process at a time: kombu remembers the binding before it has written it down, and whoever
        publishes in between reaches nobody."""
        with _binding:
            super().queue_bind(*args, **kwargs)

    def _queue_bind(self, exchange: str, *which: Any) -> None:
        """The table of an exchange is there whole from its first moment: kombu makes it empty, and then locks it."""
        table = self._exchange_file(exchange)
        if not table.exists():
            hidden = table.with_name(f".{uuid.uuid4()}")
            hidden.write_text(dumps([]))
            with contextlib.suppress(FileExistsError):
                os.link(hidden, table)
            hidden.unlink()
        super()._queue_bind(exchange, *which)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError as error:
            # A machine that lost power can leave an empty file. What it nudged is swept up from the database.
            log.warning("a nudge could not be read and is dropped: %s", error)
            raise Empty from error


class Transport(filesystem.Transport):
    Channel = Channel
