"""The drill's record: one JSON line per contact sent, written as it is sent, and read again to verify."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Record:
    """Appends lines from many threads; each is flushed, so that a drill that ends early can be verified too."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8")
        self.sent = self.accepted = 0

    def write(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
            self.sent += 1
            self.accepted += bool(line["accepted"])

    def close(self) -> None:
        self._file.close()


class UnreadableRecord(Exception):
    """The file is no drill's record; the message names the line."""


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a record. UnreadableRecord names the first line that is none."""
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
                line["token"], line["medium"], line["accepted"], line["at"]
            except (ValueError, KeyError, TypeError) as error:
                raise UnreadableRecord(f"{path}, line {number}: not a line of a drill") from error
            yield line
