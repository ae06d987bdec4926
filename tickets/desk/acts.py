"""What agents do with tickets, one or five hundred: assign, link, solve, reopen, and take it back."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string

from tickets import audit, changes
from tickets.models import Entry, Problem, Ticket

# Tickets of one bulk action, and of one transaction.
BOUND = 500
CHUNK = 100
UNSOLVED = (Ticket.State.OPEN, Ticket.State.PENDING)
# What each act changes, and so what its undo restores.
FIELDS = {"assign": "assignee_id", "link": "problem_id", "solve": "state"}


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take an act back. JSON-friendly, so that a session can hold it. `before`: id → values by field."""

    token: str
    act: str
    words: str
    at: str
    after: int | None
    before: dict[str, dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def assign(ids: Sequence[int], to: Any, by: Any) -> Undo:
    """Gives tickets to a colleague, or back to everybody (`to` None)."""
    whom = (to.get_full_name() or to.get_username()) if to else "nobody"
    values = {"assignee_id": to.pk if to else None}
    return _apply("assign", ids, Ticket.objects.exclude(**values), values, f"assigned to {whom}", by)


def link(ids: Sequence[int], problem: Problem | None, by: Any) -> Undo:
    """Links tickets to a problem, or unlinks them (None)."""
    values = {"problem_id": problem.pk if problem else None}
    words = f"linked to “{problem.title}”" if problem else "unlinked from its problem"
    return _apply("link", ids, Ticket.objects.exclude(**values), values, words, by)


def solve(ids: Sequence[int], by: Any) -> Undo:
    """Solves tickets without writing to anybody."""
    values = {"state": Ticket.State.SOLVED, "solved_at": timezone.now(), "waiting_since": None}
    return _apply("solve", ids, Ticket.objects.filter(state__in=UNSOLVED), values, "solved", by)


def reopen(ids: Sequence[int], by: Any) -> int:
    """Opens solved tickets again: their requesters wait from now on."""
    now = timezone.now()
    solved = Ticket.objects.filter(state__in=(Ticket.State.SOLVED, Ticket.State.PENDING), pk__in=ids)
    with transaction.atomic():
        found = list(solved.select_for_update().values_list("pk", flat=True)[:BOUND])
        Ticket.objects.filter(pk__in=found).update(
            state=Ticket.State.OPEN, solved_at=None, waiting_since=now, changed_at=now
        )
        _say(found, "reopened", by, now)
        audit.record(by, "ticket.reopen", _target(found), tickets=found)
        _bump(found)
    return len(found)


def undo(record: dict[str, Any], by: Any) -> int:
    """Restores what an act changed, on every ticket that nobody has touched in that respect since."""
    restored: list[int] = []
    for ids in _chunks([int(pk) for pk in record["before"]]):
        with transaction.atomic():
            tickets = list(_unchanged(record).filter(pk__in=ids).select_for_update())
            for ticket in tickets:
                for name, value in record["before"][str(ticket.pk)].items():
                    moment = name.endswith(("_at", "_since")) and value
                    setattr(ticket, name, datetime.fromisoformat(value) if moment else value)
                ticket.changed_at = timezone.now()
            names = {name for values in record["before"].values() for name in values}
            Ticket.objects.bulk_update(tickets, [*(name.removesuffix("_id") for name in names), "changed_at"])
            done = [ticket.pk for ticket in tickets]
            _say(done, f"no longer {record['words']} (undone)", by, timezone.now())
            restored += done
    audit.record(by, f"ticket.{record['act']}.undo", _target(restored), tickets=restored)
    _bump(restored)
    return len(restored)


def _unchanged(record: dict[str, Any]) -> QuerySet[Ticket]:
    if record["act"] == "solve":
        return Ticket.objects.filter(state=Ticket.State.SOLVED, solved_at=datetime.fromisoformat(record["at"]))
    return Ticket.objects.filter(**{FIELDS[record["act"]]: record["after"]})


def _apply(act: str, ids: Sequence[int], which: QuerySet[Ticket], values: dict[str, Any], words: str, by: Any) -> Undo:
    """Sets `values` on those of `ids` that `which` lets through, in chunks; remembers what they were before."""
    now = values.get("solved_at") or timezone.now()
    before: dict[str, dict[str, Any]] = {}
    for chunk in _chunks(list(ids)[:BOUND]):
        with transaction.atomic():
            rows = which.filter(pk__in=chunk).select_for_update().values("pk", *values)
            found = {str(row.pop("pk")): {name: _plain(value) for name, value in row.items()} for row in rows}
            Ticket.objects.filter(pk__in=found).update(**values, changed_at=now)
            _say([int(pk) for pk in found], words, by, now)
            before |= found
    done = [int(pk) for pk in before]
    audit.record(by, f"ticket.{act}", _target(done), words=words, tickets=done)
    _bump(done)
    after = values.get(FIELDS[act]) if act != "solve" else None
    return Undo(get_random_string(12), act, words, now.isoformat(), after, before)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _say(ids: Sequence[int], words: str, by: Any, at: datetime) -> None:
    Entry.objects.bulk_create(
        Entry(ticket_id=pk, kind=Entry.Kind.EVENT, author=by, text=words, visible=words, happened_at=at) for pk in ids
    )


def _target(ids: Sequence[int]) -> str:
    return f"ticket:{ids[0]}" if len(ids) == 1 else f"{len(ids)} tickets"


def _bump(ids: Sequence[int]) -> None:
    # Pages of single tickets look again within half a minute anyway; a bulk act need not move 500 counters.
    changes.bump("tickets", *(f"ticket:{pk}" for pk in ids[:20]))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
