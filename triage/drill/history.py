"""Ten days of ordinary traffic in the journal, with explicit times: what the detector knows as normal."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from tickets import journal
from tickets.models import Arrival, ArrivalState, Channel, CountsAs
from triage.drill.contacts import pick
from triage.drill.rhythm import ordinary_times

DAYS = 10
PER_DAY = 1000
CHANNELS = {"phone": Channel.CALL, "email": Channel.MAIL_WEBHOOK, "web": Channel.WEB_FORM}
# Ordinary days have more mail and fewer calls than the flood.
ORDINARY_MIX = {"phone": 0.35, "email": 0.45, "web": 0.2}
# Arrivals in one transaction.
CHUNK = 500


def is_seeded(now: datetime) -> bool:
    """True when the last days already hold ordinary traffic (of a drill or of a real installation)."""
    return Arrival.objects.filter(happened_at__range=(now - timedelta(days=DAYS), now - timedelta(days=2))).exists()


def seed(now: datetime, dice: random.Random, line: str = "") -> int:
    """Journals DAYS days of contacts up to `now` and returns how many. They were answered long ago: no tickets."""
    times = ordinary_times(now - timedelta(days=DAYS), now, PER_DAY, dice)
    seeded = 0
    while batch := list(islice(_arrivals(times, dice, line), CHUNK)):
        with transaction.atomic():
            ids = journal.record(batch)
            # In the same transaction, so that a reader that is nudged for them finds nothing left to do.
            Arrival.objects.filter(pk__in=ids).update(state=ArrivalState.UNDERSTOOD)
        seeded += len(batch)
    return seeded


def _arrivals(times: Iterator[datetime], dice: random.Random, line: str) -> Iterator[journal.Incoming]:
    for at in times:
        medium = pick(ORDINARY_MIX, dice)
        token = f"{dice.getrandbits(64):016x}"
        yield journal.Incoming(
            channel=CHANNELS[medium],
            key=f"history:{token}",
            sender=f"{token}@customer.example" if medium != "phone" else f"+1555{int(token[:8], 16) % 10**7:07d}",
            happened_at=at,
            line=line if medium == "phone" else "",
            payload={"history": True},
            counts_as=CountsAs.CONTACT,
        )
