"""The outbox against bare smtplib, one reused connection each, interleaved in one run; prints rates and their ratio.

The sink is a process of its own.
"""

import logging
import multiprocessing
import smtplib
import statistics
import time
from collections.abc import Callable

from django.conf import settings

from tests.servers import free_port
from tests.tickets import smtp_server
from tickets import outbox
from tickets.mail import compose
from tickets.models import Lane, Outgoing, Requester

MAILS, ROUNDS = 10_000, 5
TEXT = "It works again. We are sorry for the trouble, and this is what we will do about it.\n" * 24


class Sink(smtp_server.Handler):
    """Takes everything and keeps nothing."""

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]  # noqa: N802
        return "250 OK"


def serve(port: int) -> None:
    logging.disable(logging.INFO)
    smtp_server.start(Sink(), port)
    time.sleep(3600)


def queue(count: int) -> list[Outgoing]:
    people = Requester.objects.bulk_create([Requester(name="x") for _ in range(count)])
    drafts = [
        outbox.Draft(
            kind="broadcast",
            lane=Lane.BULK,
            to=f"p{person.pk}@example.org",
            requester=person,
            ticket=None,
            subject="News",
            text=TEXT,
            about=["update:1"],
        )
        for person in people
    ]
    return [row for row in outbox.queue_many(drafts) if row is not None]


def by_outbox(count: int) -> None:
    sent = 0
    while sent < count:
        sent += outbox.send_due(Lane.BULK, limit=min(500, count - sent), seconds=60)


def by_smtplib(rows: list[Outgoing], port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for row in rows:
            message = compose.message_for(row).message()
            client.sendmail(settings.SUPPORT_ADDRESS, [row.to], message.as_bytes(linesep="\r\n"))


def rate(act: Callable[[], None], count: int) -> float:
    begun = time.perf_counter()
    act()
    return count / (time.perf_counter() - begun)


def main(count: int = MAILS) -> None:
    port = free_port()
    sink = multiprocessing.get_context("fork").Process(target=serve, args=(port,), daemon=True)
    sink.start()
    time.sleep(1)
    settings.EMAIL_BACKEND = "tickets.mail.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MAIL_RATE = "127.0.0.1", port, 1_000_000
    per_round = count // ROUNDS
    ours, bare = [], []
    for _ in range(ROUNDS):
        rows = queue(per_round)
        bare.append(rate(lambda rows=rows: by_smtplib(rows, port), per_round))  # type: ignore[misc]
        ours.append(rate(lambda: by_outbox(per_round), per_round))
    ratio = statistics.median(o / b for o, b in zip(ours, bare, strict=True))
    print(f"{count} mails: outbox {statistics.median(ours):.0f}/s, smtplib {statistics.median(bare):.0f}/s")
    print(f"ratio {ratio:.2f} (rounds {', '.join(f'{o / b:.2f}' for o, b in zip(ours, bare, strict=True))})")
    sink.terminate()
