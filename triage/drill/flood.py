"""Sends the flood: people of the drill come through the front doors, in real time or as fast as they are accepted."""

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from tickets.blobs import write_durably
from triage.drill import doors, everyday, history
from triage.drill.contacts import MIX, Contact, people
from triage.drill.record import Record
from triage.drill.rhythm import flood_offsets
from voice.models import Line

# Contacts a minute in real time: about 100 times the 1,000 a day of an ordinary week.
PER_MINUTE = 70
# Senders at once; a person waits for each answer before the next step.
SENDERS = 8


class NotReady(Exception):
    """The drill cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`contacts` None: real time for `minutes`; else so many as fast as they are accepted."""

    base: str
    record: Path
    contacts: int | None = None
    callers_only: bool = False
    minutes: float = 4
    seed: int | None = None


def default_base() -> str:
    return settings.SIMULATOR_BASE or settings.PUBLIC_URL


def progress_path() -> Path:
    """Where a running drill says how far it is; the drill's page shows it."""
    return Path(settings.VAR) / "drill" / "progress.json"


def run(plan: Plan, say: Callable[[str], object]) -> Record:
    """Seeds ordinary days where there are none, sends the flood, writes the record."""
    line = Line.objects.filter(active=True).first()
    if line is None:
        raise NotReady("There is no phone line to call. Run manage.py seed_demo, or add a line in the control room.")
    dice = random.Random(plan.seed)
    _seed(dice, line, say)
    lines = list(Line.objects.filter(active=True))
    offsets = [0.0] * plan.contacts if plan.contacts else flood_offsets(PER_MINUTE, plan.minutes, dice)
    crowd = people(len(offsets), dice, {"phone": 1.0} if plan.callers_only else MIX)
    plan.record.parent.mkdir(parents=True, exist_ok=True)
    record = Record(plan.record)
    say(f"{len(crowd)} contacts go to {plan.base}, the record to {plan.record}")
    try:
        _send(list(zip(offsets, crowd, strict=True)), doors.Street(plan.base, lines), record)
    finally:
        record.close()
        _note(record, len(crowd), finished=True)
    say(f"sent {record.sent}, accepted {record.accepted}")
    return record


def _seed(dice: random.Random, line: Line, say: Callable[[str], object]) -> None:
    now = timezone.now()
    if history.is_seeded(now):
        return
    say("Seeding ten ordinary days …")
    say(f"{history.seed(now, dice, line.key)} contacts journaled")
    say(f"{everyday.seed(now, dice)} ordinary tickets written")


def _send(schedule: list[tuple[float, Contact]], street: doors.Street, record: Record) -> None:
    started = time.monotonic()
    visits: list[Future[None]] = []
    with ThreadPoolExecutor(SENDERS) as senders:
        for offset, person in schedule:
            time.sleep(max(0.0, started + offset - time.monotonic()))
            visits.append(senders.submit(_visit, street, person, record))
            if offset:
                _note(record, len(schedule))
        while wait(visits, timeout=1).not_done:
            _note(record, len(schedule))
    for visit in visits:
        visit.result()


def _visit(street: doors.Street, person: Contact, record: Record) -> None:
    record.write(street.visit(person))


def _note(record: Record, total: int, finished: bool = False) -> None:
    path = progress_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"sent": record.sent, "accepted": record.accepted, "total": total, "finished": finished}
    write_durably(path, json.dumps({**state, "at": timezone.now().isoformat()}).encode())
