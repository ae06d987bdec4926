"""The queue: which tickets an agent sees, in which order, and who takes the next one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from tickets import audit, changes
from tickets.models import Ticket

# Rows of a page, and where counting stops.
PAGE = 50
COUNTED = 1000
VIEWS = {"mine": "My queue", "unassigned": "Unassigned", "open": "All open", "solved": "Solved"}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the queue. `older` and `newer` are cursors for the query string, empty at the ends."""

    rows: list[Ticket]
    older: str
    newer: str


def view_of(query: Mapping[str, Any]) -> str:
    """The view that a query string asks for."""
    view = query.get("view", "")
    return view if view in VIEWS else "unassigned"


def tickets_in(view: str, user: Any, problem: int | None = None) -> QuerySet[Ticket]:
    """The tickets of a view, unordered. What was merged away is in none."""
    tickets = Ticket.objects.filter(merged_into=None)
    if problem:
        tickets = tickets.filter(problem_id=problem)
    if view == "solved":
        return tickets.filter(state=Ticket.State.SOLVED)
    tickets = tickets.filter(state=Ticket.State.OPEN, waiting_since__isnull=False)
    if view == "mine":
        return tickets.filter(assignee=user)
    return tickets.filter(assignee=None) if view == "unassigned" else tickets


def page_of(tickets: QuerySet[Ticket], view: str, after: str = "", before: str = "") -> Page:
    """One page by keyset: longest waiting first, in `solved` the last solved first. Cursors are "time,id"."""
    field, down = ("solved_at", True) if view == "solved" else ("waiting_since", False)
    backwards = bool(before) and not after
    cursor = _cursor(before if backwards else after)
    tickets = tickets.filter(**{f"{field}__isnull": False})
    if cursor:
        tickets = tickets.filter(_beyond(field, cursor, descending=down != backwards))
    sign = "-" if down != backwards else ""
    rows = list(
        tickets.select_related("assignee", "problem", "requester").order_by(f"{sign}{field}", f"{sign}pk")[: PAGE + 1]
    )
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows.reverse()
    has_next, has_previous = (bool(cursor), more) if backwards else (more, bool(cursor))
    first, last = (_name(rows[0], field), _name(rows[-1], field)) if rows else ("", "")
    return Page(rows, older=last if has_next else "", newer=first if has_previous else "")


def joined(tickets: QuerySet[Ticket], shown: list[int], room: int) -> list[Ticket]:
    """Waiting tickets that a page with room for more does not show yet, in order."""
    if room <= 0:
        return []
    fresh = tickets.exclude(pk__in=shown).select_related("assignee", "problem", "requester")
    return list(fresh.order_by("waiting_since", "pk")[:room])


def newest() -> int:
    """The highest ticket number so far."""
    return Ticket.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _beyond(field: str, cursor: tuple[datetime, int], *, descending: bool) -> Q:
    at, pk = cursor
    how = "lt" if descending else "gt"
    # The first condition alone bounds the index scan; the second breaks ties.
    return Q(**{f"{field}__{how}e": at}) & (Q(**{f"{field}__{how}": at}) | Q(**{f"pk__{how}": pk}))


def _name(ticket: Ticket, field: str) -> str:
    return f"{getattr(ticket, field).isoformat()},{ticket.pk}"


def _cursor(text: str) -> tuple[datetime, int] | None:
    at, _, pk = text.replace(" ", "+").partition(",")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, int(pk)) if moment.tzinfo else None
    except ValueError:
        return None


def how_many(tickets: QuerySet[Any]) -> str:
    """A bounded count: "17", "1,000+"."""
    found = len(tickets.order_by().values_list("pk", flat=True)[: COUNTED + 1])
    return f"{COUNTED:,}+" if found > COUNTED else f"{found:,}"


def counts(user: Any) -> dict[str, str]:
    """The counts beside the rail's links."""
    return {view: how_many(tickets_in(view, user)) for view in ("mine", "unassigned")}


def take_next(user: Any) -> Ticket | None:
    """Assigns the longest waiting unassigned ticket to `user`. Two people who ask at once never get the same."""
    while True:
        first = tickets_in("unassigned", user).order_by("waiting_since", "pk").values_list("pk", flat=True).first()
        if first is None:
            return None
        # The row count decides: whoever updates second finds the ticket taken and asks for the next one.
        if Ticket.objects.filter(pk=first, assignee=None, state=Ticket.State.OPEN).update(
            assignee=user, changed_at=timezone.now()
        ):
            audit.record(user, "ticket.take", f"ticket:{first}")
            changes.bump("tickets", f"ticket:{first}")
            return Ticket.objects.get(pk=first)
