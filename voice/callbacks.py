"""Callbacks: one open per number, dialled by one agent at a time, followed until the customer was reached."""

from datetime import datetime

from django.db import IntegrityError, transaction

from tickets import changes, intake
from tickets.message import InboundMessage
from tickets.models import Arrival, Entry, Identity, Medium, Problem
from voice.models import Callback, Line


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

    Runs in the transaction that understands the arrival.
    """
    standing = _standing(number)
    if standing is None:
        try:
            with transaction.atomic():
                return _make(number, line, problem, arrival, happened_at, simulated), True
        except IntegrityError:
            # Somebody asked for the same number at this moment.
            standing = _standing(number)
            if standing is None:
                raise
    _ask_again(standing, arrival, happened_at)
    return standing, False


def _standing(number: str) -> Callback | None:
    return Callback.objects.filter(number=number, state__in=Callback.OPEN_STATES).first()


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
            text=f"Asked on the phone to be called back on {number}.",
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
    )
    changes.bump("callbacks")
    return callback


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
