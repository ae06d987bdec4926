"""Work that may wait for a database or a network, done in threads apart from those that answer calls.

Nothing bounds a thread that holds a connection to a frozen server, so whoever must answer a call hands over and waits
only so long. What is given up before it says that it is about to commit is never done.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

T = TypeVar("T")
# Called by the work before it commits: raises GivenUp when nobody waits any more.
Wanted = Callable[[], None]

# Pieces of work at once in a process: the pool's other connections belong to those who keep what arrives.
AT_ONCE = 2
# How a database that is away is told.
AWAY = (OperationalError, InterfaceError)
_free = threading.BoundedSemaphore(AT_ONCE)


class Unanswered(Exception):
    """It was not done in time. `certain`: it never will be; else nobody can tell whether it is."""

    def __init__(self, *, certain: bool) -> None:
        super().__init__("it was not done in time")
        self.certain = certain


class GivenUp(Exception):
    """Nobody waits for it any more: nothing may be changed."""


class _Job(Generic[T]):
    def __init__(self, work: Callable[[Wanted], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._given_up = self._committing = False
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._result.append(self._work(self._wanted))
        except BaseException as error:  # raised again where it is waited for
            self._error = error
        finally:
            self.done.set()

    def run_apart(self) -> None:
        """In a thread of its own."""
        try:
            self.run()
        finally:
            close_old_connections()
            _free.release()

    def give_up(self) -> bool:
        """Whether it is certain that it will not be done."""
        with self._lock:
            self._given_up = True
            return not self._committing

    def result(self) -> T:
        if isinstance(self._error, AWAY):
            raise Unanswered(certain=not self._committing) from self._error
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _wanted(self) -> None:
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._committing = True


def within(seconds: float, work: Callable[[Wanted], T]) -> T:
    """What `work` returns or raises, if it does so in time; else, and where the database is away, Unanswered."""
    job = _Job(work)
    if not settings.HAND_OVER_THREADS:
        job.run()
        return job.result()
    if not _free.acquire(timeout=seconds):
        raise Unanswered(certain=True)
    # A daemon: a process ends although a frozen server never answers.
    threading.Thread(target=job.run_apart, name="hand-over", daemon=True).start()
    if not job.done.wait(seconds):
        raise Unanswered(certain=job.give_up())
    return job.result()
