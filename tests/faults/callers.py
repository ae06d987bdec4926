"""A small, steady load of calls to the front door; what each of them got is kept."""

import threading
import time
from dataclasses import dataclass, field
from typing import Self

import requests

from tests.stack import Heard, Stack

# Seconds between the calls of one caller.
PACE = 0.1


@dataclass
class Callers:
    """Two people who call again and again while the block lasts."""

    stack: Stack
    prefix: str
    answers: list[Heard] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(2)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, calls: int) -> None:
        """Waits until so many more calls were made."""
        wanted = len(self.answers) + len(self.failed) + calls
        end = time.monotonic() + 60
        while len(self.answers) + len(self.failed) < wanted:
            assert time.monotonic() < end, f"{calls} calls were not answered within a minute"
            time.sleep(0.02)

    @property
    def slowest(self) -> float:
        return max(answer.seconds for answer in self.answers)

    def sids(self) -> list[str]:
        """The calls whose answer was got."""
        return [answer.sid for answer in self.answers]

    def _call(self, number: int) -> None:
        count = 0
        while not self._over.wait(PACE):
            count += 1
            sid = f"CA{self.prefix}{number}{count:028x}"
            try:
                heard = self.stack.call("/voice/main/answer/", CallSid=sid)
            except requests.RequestException as error:
                self.failed.append(str(error))
            else:
                heard.sid = sid
                self.answers.append(heard)
