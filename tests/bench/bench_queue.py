"""The queue's page, its live part and the search with 1,000 tickets and with 100,000: what a hundredfold costs."""

import statistics
import time
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tickets.models import Medium, Requester, Ticket

FEW, MANY, TIMES = 1_000, 100_000, 20
PAGES = ("/desk/", "/desk/news/?newest=1", "/search/?q=Request")


def fill(until: int) -> None:
    """Makes open tickets until there are that many."""
    someone = Requester.objects.get_or_create(name="Someone")[0]
    now = timezone.now()
    have = Ticket.objects.count()
    rows = (
        Ticket(
            requester=someone,
            subject=f"Request {number}",
            medium=Medium.EMAIL,
            created_at=now,
            waiting_since=now - timedelta(seconds=number),
        )
        for number in range(have, until)
    )
    Ticket.objects.bulk_create(rows, batch_size=2000)


def measured(client: Client, path: str) -> tuple[float, int]:
    """Median milliseconds and queries of a page."""
    took = []
    for _ in range(TIMES):
        with CaptureQueriesContext(connection) as seen:
            begun = time.perf_counter()
            answer = client.get(path)
            took.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code in (200, 204, 286), (path, answer.status_code)
    return statistics.median(took), len(seen)


def main() -> None:
    settings.ALLOWED_HOSTS = ["*"]
    user = User.objects.create_user("agent")
    user.groups.add(Group.objects.get(name="agent"))
    client = Client()
    client.force_login(user)
    found = {}
    for count in (FEW, MANY):
        fill(count)
        found[count] = {path: measured(client, path) for path in PAGES}
    for path in PAGES:
        (few, few_queries), (many, many_queries) = found[FEW][path], found[MANY][path]
        print(
            f"{path:26} {FEW:,}: {few:6.1f} ms, {few_queries} queries;"
            f" {MANY:,}: {many:6.1f} ms, {many_queries} queries; ratio {many / few:.2f}"
        )
