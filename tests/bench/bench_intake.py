"""Raw mail to ticket by one worker, beside one-row commits over one connection and django-helpdesk's own intake.

All three on the same database server, interleaved in one run; django-helpdesk runs in a process and tables of its own.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection, transaction

from tests.bench import helpdesk_peer
from tests.bench.mails import a_mail
from tickets import intake
from tickets.channels import mail_pipe
from tickets.models import Arrival, Ticket

COUNT, ROUNDS = 400, 3


def ours(round_: int) -> tuple[float, float]:
    """Mails a second, from the journal and with their way into it: read, threaded, a ticket with its entry, its
    acknowledgement in the outbox."""
    raws = [a_mail(round_, number) for number in range(COUNT)]
    begun = time.perf_counter()
    ids = [mail_pipe.accept(raw, sender="", recipients=["support@example.com"]).arrival for raw in raws]
    kept = time.perf_counter()
    for start in range(0, COUNT, intake.NUDGE):
        intake.understand_many([pk for pk in ids[start : start + intake.NUDGE] if pk is not None])
    end = time.perf_counter()
    return COUNT / (end - kept), COUNT / (end - begun)


def bare_commits() -> float:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_bare (id integer, body text)")

        def commits() -> None:
            for number in range(COUNT * 5):
                with transaction.atomic():
                    cursor.execute("INSERT INTO bench_bare VALUES (%s, %s)", [number, "It is down. " * 20])

        return rate(commits, COUNT * 5)


def helpdesk(round_: int) -> float:
    """Django-helpdesk's `extract_email_metadata`, message by message, as its mailbox reader calls it."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.bench.helpdesk_peer", str(round_), str(COUNT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if said.returncode:
        sys.exit(said.stderr)
    return float(said.stdout.split()[-1])


def rate(act: Callable[[], object], count: int) -> float:
    begun = time.perf_counter()
    act()
    return count / (time.perf_counter() - begun)


def main() -> None:
    # This process keeps and understands by itself: no thread beside it to wait for, which would spool when it is late.
    settings.JOURNAL_THREAD = False
    found = [(*ours(round_), bare_commits(), helpdesk(round_)) for round_ in range(ROUNDS)]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_bare")
    helpdesk_peer.drop_tables()
    assert Ticket.objects.count() == ROUNDS * COUNT
    assert not Arrival.objects.exclude(state="understood").exists()
    us, whole, bare, peer = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"{connection.vendor}: {us:.0f} mails/s to tickets ({whole:.0f}/s with keeping each, one by one, before it)")
    print(f"{bare:.0f} bare commits/s; django-helpdesk {peer:.1f} mails/s")
    print(f"ratio to bare commits {statistics.median(u / b for u, _, b, _ in found):.3f} (goal 0.15)")
    print(f"ratio to django-helpdesk {statistics.median(u / p for u, _, _, p in found):.1f} (goal 8)")
