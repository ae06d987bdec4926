"""kombu's filesystem transport, with messages that appear whole or not at all: readers look while others write."""

import logging
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """Writes under another name first. The name of a message is its age and its queue, as the transport reads it."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu names it twice
        folder = Path(self.data_folder_out)
        hidden = folder / f".{uuid.uuid4()}"
        hidden.write_text(dumps(payload))
        hidden.rename(folder / f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError as error:
            # A machine that lost power can leave an empty file. What it nudged is swept up from the database.
            log.warning("a nudge could not be read and is dropped: %s", error)
            raise Empty from error


class Transport(filesystem.Transport):
    Channel = Channel
