"""Callbacks: one open per number, taken by one agent at a time, followed until the customer was reached."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from tickets import audit, changes, intake
from tickets.message import InboundMessage
from tickets.models import Arrival, Entry, Identity, Medium, Problem, Ticket
from tickets.numbers import readable
from voice import farewell, outcomes
from voice.models import Callback, CallbackPause, Line
from voice.numbers import daytime

State = Callback.State
WAITING = (State.REQUESTED, State.DUE)
DIALLING = (State.DIALLING_AGENT, State.DIALLING_CUSTOMER)
# How many of those that wait longest an agent is offered the first free one of.
LOOK = 50
# Last digits in which the numbers of one block differ.
BLOCK_DIGITS = 4


# ── asked for ────────────────────────────────────────────────────────────────────────────────────────────────────────


def request(
    number: str,
    *,
    line: Line | None,
    problem: Problem | None,
    arrival: Arrival | None,
    happened_at: datetime,
    simulated: bool = False,
) -> tuple[Callback, bool]:
    """Notes that somebody wants to be called back; False when a callback to this number stands already.

    Runs in the transaction that understands the arrival. Simulated ones never take a real one's place.
    """
    standing = _standing(number, simulated)
    if standing is None:
        try:
            with transaction.atomic():
                return _make(number, line, problem, arrival, happened_at, simulated), True
        except IntegrityError:
            # Somebody asked for the same number at this moment.
            standing = _standing(number, simulated)
            if standing is None:
                raise
    _ask_again(standing, arrival, happened_at)
    return standing, False


def _standing(number: str, simulated: bool) -> Callback | None:
    return Callback.objects.filter(number=number, simulated=simulated, state__in=Callback.OPEN_STATES).first()


def _make(
    number: str,
    line: Line | None,
    problem: Problem | None,
    arrival: Arrival | None,
    happened_at: datetime,
    simulated: bool,
) -> Callback:
    received = intake.receive(
        InboundMessage(
            medium=Medium.PHONE,
            happened_at=happened_at,
            sender_kind=Identity.Kind.PHONE,
            sender=number,
            subject="Asked to be called back",
            text=f"Asked on the phone to be called back on {readable(number)}.",
            entry_kind=Entry.Kind.CALLBACK,
            simulated=simulated,
        ),
        arrival,
    )
    if problem is not None and received.ticket.problem_id is None:
        received.ticket.problem = problem
        received.ticket.save(update_fields=["problem"])
    callback = Callback.objects.create(
        number=number,
        line=line,
        requester=received.ticket.requester,
        ticket=received.ticket,
        problem=problem,
        due_at=happened_at,
        requested_at=happened_at,
        simulated=simulated,
        held="" if simulated else _looks_pumped(number, happened_at),
    )
    changes.bump("callbacks")
    return callback


def _looks_pumped(number: str, at: datetime) -> str:
    """Why a manager looks first: caller IDs are forged to make us dial whole blocks of numbers. Nothing is lost."""
    block, most = number[:-BLOCK_DIGITS], settings.CALLBACKS_PER_PREFIX
    alike = Callback.objects.filter(
        number__startswith=block, requested_at__gte=at - timedelta(hours=1), simulated=False
    )
    return f"{most} callbacks to numbers that begin with {block} in an hour" if alike.count() >= most else ""


def _ask_again(callback: Callback, arrival: Arrival | None, happened_at: datetime) -> None:
    Entry.objects.create(
        ticket=callback.ticket,
        kind=Entry.Kind.CALL,
        sender=callback.number,
        text="Called again and asked to be called back; the callback stands.",
        visible="Called again and asked to be called back; the callback stands.",
        arrival=arrival,
        happened_at=happened_at,
    )
    changes.bump("callbacks", f"ticket:{callback.ticket_id}")


# ── taken ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def paused() -> CallbackPause | None:
    """The pause in force, if any."""
    return CallbackPause.objects.in_force(timezone.now()).select_related("by").first()


def due(now: datetime | None = None) -> QuerySet[Callback]:
    """Callbacks whose time has come and that nothing holds back, VIPs first, then the longest waiting."""
    ready = Callback.objects.filter(state__in=WAITING, due_at__lte=now or timezone.now(), held="")
    return ready.order_by("-requester__vip", "requested_at", "pk")


def next_for(agent: Any) -> Callback | None:
    """The callback this agent works on: the one they have, else the first that nobody has. Never one for two.

    Whom it may be night for, in zones that their number leaves open, comes last; if nobody else waits, an agent gets
    one of them and the page warns. Whom it is night for waits for the morning. None while callbacks are paused.
    """
    now = timezone.now()
    mine = Callback.objects.filter(agent=agent, state__in=[*WAITING, *DIALLING, State.CONNECTED, State.UNCERTAIN])
    held = mine.filter(Q(due_at__lte=now) | ~Q(state__in=WAITING)).order_by("requested_at").first()
    if held is not None:
        return held
    if paused() is not None:
        return None
    while choice := _awake(due(now).filter(agent=None).values_list("pk", "number"), now):
        for pk in choice:
            if claim(pk, agent):
                return Callback.objects.get(pk=pk)
        # All of them went to colleagues meanwhile.
    return None


def _awake(waiting: Any, now: datetime) -> list[int]:
    """The first LOOK of those who may be called now; if there are none, of those who perhaps may."""
    sure: list[int] = []
    unsure: list[int] = []
    for pk, number in waiting.iterator():
        day = daytime(number, now, settings.CALL_HOURS)
        (sure if day else unsure if day is None else []).append(pk)
        if len(sure) == LOOK:
            break
    return sure or unsure[:LOOK]


def claim(pk: int, agent: Any) -> bool:
    """Makes a waiting callback this agent's own; False when somebody else has it or it waits no more."""
    free = Callback.objects.filter(pk=pk, state__in=WAITING, held="").filter(Q(agent=None) | Q(agent=agent))
    taken = bool(free.update(agent=agent, claimed_at=timezone.now()))
    if taken:
        changes.bump("callbacks")
    return taken


def give_back(callback: Callback, agent: Any) -> bool:
    """Lets others take a callback that this agent had taken."""
    mine = Callback.objects.filter(pk=callback.pk, agent=agent, state__in=WAITING)
    changes.bump("callbacks")
    return bool(mine.update(agent=None, claimed_at=None))


# ── ended ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def note_outcome(callback: Callback, agent: Any, outcome: str, note: str = "") -> bool:
    """Notes how it went, in the agent's words; False when somebody has closed it meanwhile or is calling right now."""
    with transaction.atomic():
        now_is = _decidable(callback, agent)
        # Twilio has said already that nobody answered this call: it is not counted twice.
        if now_is is None or (now_is.state in WAITING and now_is.outcome in outcomes.AGAIN and outcome == "no_answer"):
            return False
        # A try without a call of ours was a call from the agent's own phone.
        tries = max(now_is.tries + (now_is.state in WAITING), 1)
        following = outcomes.after(outcome, tries)
        move(now_is, following, agent=None if following.state == State.DUE else agent, note=note, tries=tries)
        write(now_is, _words(outcome, following), agent, note)
        if following.state == State.DONE:
            _answered(now_is.ticket_id)
        elif following.state == State.GAVE_UP:
            farewell.gave_up(now_is)
        audit.record(agent, "callback.outcome", callback.pk, outcome=outcome)
    return True


def cancel(callback: Callback, by: Any, why: str) -> bool:
    """Takes a callback off the list, with a reason; False when it is closed, or a colleague is calling right now."""
    with transaction.atomic():
        now_is = _decidable(callback, by)
        if now_is is None:
            return False
        move(now_is, outcomes.Next(State.CANCELLED), note=why)
        write(now_is, "The callback was cancelled.", by, why)
        audit.record(by, "callback.cancel", callback.pk, why=why)
    return True


def _decidable(callback: Callback, by: Any) -> Callback | None:
    """The row, locked, if this person may say now how it ends: not while a phone rings that will dial the customer."""
    found = Callback.objects.select_for_update(of=("self",)).filter(pk=callback.pk).first()
    if found is None or found.state not in Callback.OPEN_STATES or found.state == State.DIALLING_AGENT:
        return None
    return None if found.state == State.DIALLING_CUSTOMER and found.agent_id != by.pk else found


def _words(outcome: str, following: outcomes.Next) -> str:
    said = f"Called back: {outcomes.OUTCOMES[outcome].lower()}."
    if following.state == State.GAVE_UP:
        said += f" That was try {outcomes.TRIES}: we do not call again."
    return said


def _answered(ticket: int) -> None:
    """Who was reached waits no more."""
    now = timezone.now()
    Ticket.objects.filter(pk=ticket, state__in=[Ticket.State.OPEN, Ticket.State.PENDING]).update(
        state=Ticket.State.SOLVED, solved_at=now, waiting_since=None, changed_at=now
    )
    changes.bump("tickets", f"ticket:{ticket}")


# ── moved ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def move(callback: Callback, following: outcomes.Next, *, from_: Collection[str] | None = None, **values: Any) -> bool:
    """Moves a callback on from the state it was read in (or `from_`); False when somebody has moved it meanwhile."""
    now = timezone.now()
    values |= {"state": following.state, "outcome": following.outcome}
    if following.state in WAITING:
        values["due_at"] = now + following.pause if following.pause else now
    if following.state not in Callback.OPEN_STATES:
        values["done_at"] = now
    unmoved = Callback.objects.filter(
        pk=callback.pk, attempts=callback.attempts, state__in=list(from_ or [callback.state])
    )
    changes.bump("callbacks", f"ticket:{callback.ticket_id}")
    return bool(unmoved.update(**values))


def write(callback: Callback, text: str, by: Any, note: str = "") -> None:
    """Writes what was done into the conversation."""
    words = f"{text}\n\n{note}".strip()
    Entry.objects.create(
        ticket_id=callback.ticket_id,
        kind=Entry.Kind.CALL,
        author=by,
        text=words,
        visible=words,
        payload={"callback": callback.pk},
        happened_at=timezone.now(),
    )
