"""Calling back: the agent's phone rings first, then the customer's; what Twilio tells of it moves the callback on."""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from tickets import changes, rates
from tickets.numbers import readable
from tickets.work import TransportError
from voice import farewell, outcomes
from voice.callbacks import DIALLING, WAITING, State, move, paused, write
from voice.models import AgentPhone, Callback
from voice.numbers import daytime, may_dial
from voice.twilio_client import NoTelephone, Telephone, telephone

log = logging.getLogger(__name__)

RATE = "calls"
# Seconds that "call now" waits for its turn among the account's calls per second.
PATIENCE = 2.0
# An agent's call that Twilio has not confirmed, or that says nothing, is looked into after this long.
UNCONFIRMED, SILENCE = timedelta(minutes=2), timedelta(minutes=15)
# No call of ours lasts longer: Twilio's own limit is four hours unless it is raised.
LONGEST = timedelta(hours=24)
# Who took a callback and does nothing with it for this long gives it back.
IDLE = timedelta(minutes=30)
# Calls that one sweep asks Twilio about.
ASKED = 2
GOING_ON = frozenset({"queued", "initiated", "ringing", "in-progress"})


class Refused(Exception):
    """Not dialled; the message says why and what to do."""


def call_now(callback: Callback, agent: Any, *, even_at_night: bool = False) -> Callback:
    """Rings the agent, then the customer. Refused says why not; nothing is dialled twice at once.

    To be called outside a transaction: the claim is committed before anything is dialled.
    """
    _goes_on()
    if callback.simulated:
        return _play(callback, agent)
    try:
        line = telephone()
    except NoTelephone as error:
        raise Refused(
            "No telephone account is set up here. With one, your phone would ring now; you would press 1, and the"
            " customer's phone would ring. Call from your own phone instead, and note how it went."
        ) from error
    phone = _phone_of(callback, agent, even_at_night)
    _is_over(line, callback)
    wait = rates.take(RATE, settings.CALLS_PER_SECOND, patience=PATIENCE)
    if wait is None:
        raise Refused("Many calls are being started at this moment. Try again in a few seconds.")
    time.sleep(wait)
    claimed = _begin(callback.pk, agent)
    return _ring(line, phone, claimed)


def stop(callback: Callback, agent: Any) -> None:
    """Ends the call to the agent's phone before the customer is dialled. Refused says why it goes on."""
    if callback.state != State.DIALLING_AGENT or callback.agent_id != agent.pk:
        raise Refused("There is no call of yours to stop.")
    if not callback.call_sid:
        raise Refused("The call is being started. Try again in a few seconds.")
    try:
        telephone().end_call(callback.call_sid)
    except (TransportError, NoTelephone) as error:
        raise Refused(f"The call goes on: {error}") from error
    move(callback, outcomes.Next(State.DUE))


def apply_leg(pk: int, attempt: int, step: str, status: str) -> None:
    """What Twilio tells of a call of ours. Only its own attempt is moved, no person's word undone."""
    with transaction.atomic():
        callback = Callback.objects.select_for_update(of=("self",)).filter(pk=pk, attempts=attempt, outcome="").first()
        if callback is None:
            return
        tries = callback.tries + outcomes.is_try(callback.state, step)
        following = outcomes.after_leg(callback.state, step, status, tries)
        if following is None:
            return
        values: dict[str, Any] = {"tries": tries}
        if following.outcome:
            values |= {"agent": None, "claimed_at": None}
            gave_up = following.state == State.GAVE_UP
            end = f" That was try {outcomes.TRIES}: we do not call again." if gave_up else ""
            write(callback, f"Called back: {outcomes.TOLD[following.outcome]}.{end}", callback.agent)
            if gave_up:
                farewell.gave_up(callback)
        move(callback, following, **values)


def sweep() -> int:
    """Looks after what was left: calls nobody heard of again become uncertain, forgotten claims are given back."""
    now = timezone.now()
    lost = _uncertain(Q(state=State.DIALLING_AGENT, call_sid="", claimed_at__lt=now - UNCONFIRMED))
    silent = Q(state__in=DIALLING, claimed_at__lt=now - SILENCE) & ~Q(call_sid="")
    for callback in Callback.objects.filter(silent).order_by("claimed_at")[:ASKED]:
        lost += _look_into(callback, now)
    idle = Callback.objects.filter(state__in=WAITING, agent__isnull=False, claimed_at__lt=now - IDLE)
    freed = idle.update(agent=None, claimed_at=None)
    if lost or freed:
        changes.bump("callbacks")
    return lost + freed


def _goes_on() -> None:
    """Refused while callbacks are paused."""
    if (pause := paused()) is not None:
        raise Refused(f"Callbacks are paused{f': {pause.why}' if pause.why else ''}. A manager lets them go on.")


def _phone_of(callback: Callback, agent: Any, even_at_night: bool) -> str:
    """The agent's phone, if nothing speaks against dialling."""
    phone = AgentPhone.objects.filter(user=agent).first()
    if phone is None:
        raise Refused("Say first, on the page of callbacks, on which number we shall ring you.")
    if callback.line is None:
        raise Refused("The line that the customer called is gone; call from your own phone.")
    if reason := may_dial(callback.number, settings.CALL_COUNTRIES) or may_dial(phone.number, settings.CALL_COUNTRIES):
        raise Refused(reason)
    day = daytime(callback.number, timezone.now(), settings.CALL_HOURS)
    if day is False:
        raise Refused(f"It is night where the customer is. We call from {settings.CALL_HOURS[0]}:00 on, their time.")
    if day is None and not even_at_night:
        raise Refused("It may be night where the customer is. Call all the same?")
    return phone.number


def _begin(pk: int, agent: Any) -> Callback:
    """Claims for a new attempt: of any number of people who press at once, one goes on, and nobody has two calls."""
    with transaction.atomic():
        # Whoever presses twice waits here, and then finds the call of the first press.
        get_user_model().objects.select_for_update(of=("self",)).get(pk=agent.pk)
        _is_free(agent, pk)
        free = Callback.objects.filter(pk=pk, state__in=WAITING, held="").filter(Q(agent=None) | Q(agent=agent))
        changed = free.update(
            state=State.DIALLING_AGENT,
            agent=agent,
            claimed_at=timezone.now(),
            dialled_at=timezone.now(),
            attempts=F("attempts") + 1,
            call_sid="",
            outcome="",
        )
        if not changed:
            raise Refused("Somebody else is calling this customer, or the callback is closed or held.")
    changes.bump("callbacks")
    return Callback.objects.select_related("line").get(pk=pk)


def _is_over(line: Telephone, callback: Callback) -> None:
    """Refused while a call to this number may go on: never are there two, whichever callback each belongs to.

    A person may have noted a call's end before it was one, and closed its callback; the customer asked anew.
    """
    now = timezone.now()
    dialled = Callback.objects.filter(number=callback.number, simulated=False, dialled_at__gt=now - LONGEST)
    for one in dialled.order_by("dialled_at"):
        try:
            going_on = _goes_on_still(line, one, now)
        except TransportError as error:
            raise Refused(f"Nobody knows whether the last call goes on: {error}") from error
        if going_on:
            raise Refused("The last call to this customer goes on still.")


def _goes_on_still(line: Telephone, dialled: Callback, now: datetime) -> bool:
    """Whether the last call of a callback goes on. One that was begun just before a fault has no SID here."""
    if dialled.call_sid:
        return line.call_status(dialled.call_sid) in GOING_ON
    assert dialled.dialled_at is not None
    if now - dialled.dialled_at < UNCONFIRMED:
        raise Refused("Nobody knows yet whether the last call was begun. Try again in two minutes.")
    return any(call["status"] in GOING_ON for call in line.calls(dialled.dialled_at, now, to=dialled.number))


def _is_free(agent: Any, pk: int) -> None:
    """Refused while this agent is in another callback: never more are dialled than agents are free."""
    live = Callback.objects.filter(agent=agent, state__in=[*DIALLING, State.CONNECTED]).exclude(pk=pk).first()
    if live is not None:
        todo = "Note first how it went." if live.state == State.CONNECTED else "Let it end first."
        raise Refused(f"You are in a callback to {readable(live.number)}. {todo}")


def _ring(line: Telephone, phone: str, claimed: Callback) -> Callback:
    assert claimed.line is not None
    try:
        sid = line.start_call(
            to=phone,
            from_=claimed.line.number,
            url=address(claimed, "agent"),
            status_callback=address(claimed, "status"),
        )
    except TransportError as error:
        # Known not to have been dialled: due again. Perhaps dialled: a person looks, and nothing dials it again.
        move(claimed, outcomes.Next(State.UNCERTAIN if error.uncertain else State.DUE))
        raise Refused(str(error)) from error
    Callback.objects.filter(pk=claimed.pk, attempts=claimed.attempts).update(call_sid=sid)
    claimed.call_sid = sid
    return claimed


def address(callback: Callback, step: str) -> str:
    """Where a step of its call is told. All that a webhook needs stands in its path: no database answers it."""
    line = callback.line.key if callback.line else ""
    place = [callback.pk, callback.attempts, line, callback.number.removeprefix("+"), step]
    return settings.PUBLIC_URL + reverse("callback_leg", args=place)


def rehearse(callback: Callback, agent: Any, sid: str) -> Callback:
    """Claims a simulated callback for a call that the simulator plays: its webhooks move it on. Or Refused."""
    _goes_on()
    if not callback.simulated:
        raise Refused("A real customer waits for this call.")
    if callback.line is None:
        raise Refused("The line that the customer called is gone.")
    claimed = _begin(callback.pk, agent)
    Callback.objects.filter(pk=claimed.pk, attempts=claimed.attempts).update(call_sid=sid)
    return claimed


def _play(callback: Callback, agent: Any) -> Callback:
    """A simulated callback is connected without a phone."""
    claimed = _begin(callback.pk, agent)
    move(claimed, outcomes.Next(State.CONNECTED), tries=F("tries") + 1)
    claimed.state = State.CONNECTED
    return claimed


def _look_into(callback: Callback, now: datetime) -> int:
    """Asks Twilio about a silent call: one that goes on is left alone, of any other nobody knows how it went."""
    try:
        status = telephone().call_status(callback.call_sid)
    except (TransportError, NoTelephone) as error:
        log.warning("callback %s: nobody knows how its call goes: %s", callback.pk, error)
        status = ""
    same = Q(pk=callback.pk, attempts=callback.attempts, state__in=DIALLING)
    if status in GOING_ON:
        Callback.objects.filter(same).update(claimed_at=now)
        return 0
    return _uncertain(same)


def _uncertain(which: Q) -> int:
    return Callback.objects.filter(which).update(state=State.UNCERTAIN)
