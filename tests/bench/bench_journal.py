"""Keeping arrivals from eight threads beside one-row commits over one bare connection to the same database."""

import statistics
import threading
import time
from collections.abc import Callable

from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from tickets import journal
from tickets.models import Arrival

COUNT, ROUNDS, THREADS = 4000, 3, 8


def accepted(round_: int) -> float:
    """Arrivals a second through the one door, each durable before its caller goes on."""

    def door(number: int) -> None:
        for step in range(COUNT // THREADS):
            key = f"{round_}:{number}:{step}"
            kept = journal.accept(
                journal.Incoming("web_form", key, f"{key}@example.org", timezone.now(), {"text": "It is down. " * 20})
            )
            assert kept.stored == "database"

    doors = [threading.Thread(target=door, args=(number,)) for number in range(THREADS)]
    return rate(lambda: [*map(threading.Thread.start, doors), *map(threading.Thread.join, doors)])


def bare_commits() -> float:
    """One-row commits a second over one connection, with the same durability."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_bare (id integer, body text)")

        def commits() -> None:
            for number in range(COUNT):
                with transaction.atomic():
                    cursor.execute("INSERT INTO bench_bare VALUES (%s, %s)", [number, "It is down. " * 20])

        return rate(commits)


def rate(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return COUNT / (time.perf_counter() - begun)


def main() -> None:
    ours, bare = [], []
    for round_ in range(ROUNDS):
        bare.append(bare_commits())
        ours.append(accepted(round_))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_bare")
    assert Arrival.objects.count() == ROUNDS * (COUNT // THREADS) * THREADS
    print(f"accepted {statistics.median(ours):.0f}/s, bare commits {statistics.median(bare):.0f}/s")
    print(f"ratio {statistics.median(o / b for o, b in zip(ours, bare, strict=True)):.2f}")
    close_old_connections()
