"""Makes agents with phones, callbacks that were asked for, and people who press at the same moment."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from tests.house import person
from voice import callbacks
from voice.models import AgentPhone, Callback, Line


def make_agent(name: str) -> User:
    user = person("agent", name.title())
    AgentPhone.objects.create(user=user, number="+12025550111")
    return user


def wanted(line: Line, number: str = "+12015550123", minutes: float = 10, **values: Any) -> Callback:
    """A callback that somebody has asked for so many minutes ago."""
    at = timezone.now() - timedelta(minutes=minutes)
    values = {"problem": None, "arrival": None, **values}
    return callbacks.request(number, line=line, happened_at=at, **values)[0]


def in_threads(work: Callable[[int], Any], count: int = 4) -> list[Any]:
    """What `work` returns to so many threads that begin together."""
    results: list[Any] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait(10)
            results.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
