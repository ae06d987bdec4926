"""Calling back: one agent claims one callback, their phone rings first, then the customer's."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from tickets import audit, changes, rates
from tickets.models import Entry, Ticket
from tickets.work import TransportError
from voice import outcomes
from voice.models import AgentPhone, Callback
from voice.numbers import is_decent_hour, may_dial
from voice.twilio_client import NoTelephone, telephone

RATE = "calls"
# Seconds that "call now" waits for its turn among the account's calls per second.
PATIENCE = 5.0
# After this long without a word from Twilio nobody knows how a call went.
SILENCE = timedelta(minutes=45)
WAITING = (Callback.State.REQUESTED, Callback.State.DUE)
DIALLING = (Callback.State.DIALLING_AGENT, Callback.State.DIALLING_CUSTOMER)


class Refused(Exception):
    """Not dialled; the message says why and what to do."""


def due(now: Any = None) -> QuerySet[Callback]:
    """Callbacks whose time has come, the longest waiting first, VIPs before the others."""
    ready = Callback.objects.filter(state__in=WAITING, due_at__lte=now or timezone.now())
    return ready.order_by("-requester__vip", "requested_at", "pk")


def next_for(agent: Any) -> Callback | None:
    """The callback this agent works on: the one they have, else the first that nobody has. Never one for two."""
    mine = Callback.objects.filter(agent=agent, state__in=[*WAITING, *DIALLING, Callback.State.CONNECTED])
    held = mine.filter(Q(due_at__lte=timezone.now()) | ~Q(state__in=WAITING)).order_by("requested_at").first()
    if held is not None:
        return held
    for pk in due().filter(agent=None).values_list("pk", flat=True)[:20]:
        if claim(pk, agent):
            return Callback.objects.get(pk=pk)
    return None


def claim(pk: int, agent: Any) -> bool:
    """Makes a waiting callback this agent's own; False when somebody else has it or it waits no more."""
    free = Callback.objects.filter(pk=pk, state__in=WAITING).filter(Q(agent=None) | Q(agent=agent))
    taken = bool(free.update(agent=agent, claimed_at=timezone.now()))
    if taken:
        changes.bump("callbacks")
    return taken


def call_now(callback: Callback, agent: Any, *, even_at_night: bool = False) -> Callback:
    """Rings the agent, then the customer. Refused says why not; nothing is dialled twice at once."""
    if callback.simulated:
        return _play(callback, agent)
    phone = AgentPhone.objects.filter(user=agent).first()
    if phone is None:
        raise Refused("Say first on which number we shall ring you.")
    if callback.line is None:
        raise Refused("The line that the customer called is gone; call from your own phone.")
    if reason := may_dial(callback.number, settings.CALL_COUNTRIES):
        raise Refused(reason)
    if not even_at_night and not is_decent_hour(callback.number, timezone.now()):
        raise Refused("It may be night where the customer is. Call all the same?")
    try:
        line = telephone()
    except NoTelephone as error:
        raise Refused(f"{error} Until then call from your own phone and note how it went.") from error
    if rates.take(RATE, settings.CALLS_PER_SECOND, patience=PATIENCE) is None:
        raise Refused("All slots of the account are taken at the moment. Try again in a few seconds.")
    claimed = _begin(callback.pk, agent)
    try:
        sid = line.start_call(to=phone.number, from_=callback.line.number, **_addresses(claimed))
    except TransportError as error:
        _failed(claimed, error)
        raise Refused(f"{error}") from error
    Callback.objects.filter(pk=claimed.pk, attempts=claimed.attempts).update(call_sid=sid)
    claimed.call_sid = sid
    return claimed


def note_outcome(callback: Callback, agent: Any, outcome: str, note: str = "") -> bool:
    """Notes how it went, in the agent's words; False when somebody has closed it meanwhile."""
    # An outcome without a call of ours was a call of the agent's own.
    attempts = max(callback.attempts, 1)
    following = outcomes.after(outcome, attempts)
    with transaction.atomic():
        if not _move(callback, Callback.OPEN_STATES, following, outcome=outcome, note=note, attempts=attempts):
            return False
        _write(callback, f"Called back: {outcomes.OUTCOMES[outcome].lower()}.", agent, note)
        if following.state == Callback.State.DONE:
            _answered(callback.ticket)
        audit.record(agent, "callback.outcome", callback.pk, outcome=outcome)
    return True


def cancel(callback: Callback, by: Any, why: str) -> bool:
    """Takes a callback off the list, with a reason."""
    with transaction.atomic():
        if not _move(callback, Callback.OPEN_STATES, outcomes.Next(Callback.State.CANCELLED), note=why):
            return False
        _write(callback, "The callback was cancelled.", by, why)
        audit.record(by, "callback.cancel", callback.pk, why=why)
    return True


def give_back(callback: Callback, agent: Any) -> bool:
    """Lets others take a callback that this agent had taken."""
    mine = Callback.objects.filter(pk=callback.pk, agent=agent, state__in=WAITING)
    changes.bump("callbacks")
    return bool(mine.update(agent=None, claimed_at=None))


def apply_leg(pk: int, attempt: int, step: str, status: str) -> None:
    """What Twilio tells of a call of ours. Only the attempt it belongs to is moved, and only forwards."""
    callback = Callback.objects.filter(pk=pk, attempts=attempt).first()
    if callback is None:
        return
    if step == "connect":
        _move(callback, [Callback.State.DIALLING_AGENT], outcomes.Next(Callback.State.DIALLING_CUSTOMER))
    elif step == "ended":
        following = outcomes.after_dial(status, attempt)
        if _move(callback, DIALLING, following) and following.state != Callback.State.CONNECTED:
            _write(callback, "Called back: no answer.", callback.agent)
    elif step == "status" and status in ("completed", "busy", "failed", "no-answer", "canceled"):
        # The agent's own phone was not answered, or hung up before pressing 1.
        _move(callback, [Callback.State.DIALLING_AGENT], outcomes.Next(Callback.State.DUE))


def sweep() -> int:
    """Callbacks of whose call nothing was heard become uncertain: a person looks at them, nothing dials them again."""
    stale = Callback.objects.filter(state__in=DIALLING, claimed_at__lt=timezone.now() - SILENCE)
    moved = stale.update(state=Callback.State.UNCERTAIN)
    if moved:
        changes.bump("callbacks")
    return moved


def _play(callback: Callback, agent: Any) -> Callback:
    """A simulated callback is connected without a phone."""
    claimed = _begin(callback.pk, agent)
    _move(claimed, [Callback.State.DIALLING_AGENT], outcomes.Next(Callback.State.CONNECTED))
    claimed.state = Callback.State.CONNECTED
    return claimed


def _begin(pk: int, agent: Any) -> Callback:
    free = Callback.objects.filter(pk=pk, state__in=WAITING).filter(Q(agent=None) | Q(agent=agent))
    changed = free.update(
        state=Callback.State.DIALLING_AGENT, agent=agent, claimed_at=timezone.now(), attempts=F("attempts") + 1
    )
    if not changed:
        raise Refused("Somebody else is calling this customer, or the callback is closed.")
    changes.bump("callbacks")
    return Callback.objects.select_related("line", "ticket").get(pk=pk)


def _failed(callback: Callback, error: TransportError) -> None:
    """Known not to have been dialled: due again. Perhaps dialled: a person looks."""
    state = Callback.State.UNCERTAIN if error.uncertain else Callback.State.DUE
    _move(callback, [Callback.State.DIALLING_AGENT], outcomes.Next(state))


def _addresses(callback: Callback) -> dict[str, str]:
    """Everything the webhooks need stands in their path: they are answered without the database."""
    line = callback.line.key if callback.line else ""
    number = callback.number.removeprefix("+")
    place = [callback.pk, callback.attempts, line, number]
    return {
        "url": settings.PUBLIC_URL + reverse("callback_leg", args=[*place, "agent"]),
        "status_callback": settings.PUBLIC_URL + reverse("callback_leg", args=[*place, "status"]),
    }


def _move(callback: Callback, from_: Any, following: outcomes.Next, **values: Any) -> bool:
    now = timezone.now()
    values["state"] = following.state
    if following.state in WAITING:
        values |= {"agent": None, "claimed_at": None, "due_at": now + following.pause if following.pause else now}
    elif following.state not in Callback.OPEN_STATES:
        values["done_at"] = now
    moved = Callback.objects.filter(pk=callback.pk, state__in=list(from_)).update(**values)
    changes.bump("callbacks", f"ticket:{callback.ticket_id}")
    return bool(moved)


def _write(callback: Callback, text: str, by: Any, note: str = "") -> None:
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


def _answered(ticket: Ticket) -> None:
    """Who was reached waits no more."""
    Ticket.objects.filter(pk=ticket.pk, state=Ticket.State.OPEN).update(
        state=Ticket.State.SOLVED, solved_at=timezone.now(), waiting_since=None
    )
    changes.bump("tickets", f"ticket:{ticket.pk}")
