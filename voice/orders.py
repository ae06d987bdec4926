"""Carries out what a manager ordered by phone: fetches what they spoke, and switches the lines as the pages do."""

import time
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from tickets.numbers import readable
from tickets.work import TransportError
from voice import lines as switch
from voice import pins, sounds
from voice.dial_in import CLEAR, Order
from voice.hand_over import Wanted
from voice.models import Announcement, Line
from voice.twilio_client import NoTelephone, telephone

# Seconds for which a recording is asked for again and again, and between two times.
FETCH, PAUSE = 3.0, 0.5


class Refused(Exception):
    """This person may not switch lines, or not any more."""


class NotThere(Exception):
    """The recording cannot be had, or not yet."""


def fetch(recording: str) -> str:
    """Takes in what was recorded as an upload is taken in, and returns its hash. NotThere; BadAudio.

    Twilio tells the address when somebody has spoken, and needs some seconds more to have the file there, for which it
    has a callback (https://www.twilio.com/docs/usage/webhooks/voice-webhooks). The caller waits on the line: asking
    again is as soon, and needs no state that another process would have to find. WAV is asked for because it is what
    was recorded, not encoded once more.
    """
    until = time.monotonic() + FETCH
    while True:
        try:
            _, content = telephone().download(f"{recording.removesuffix('.json')}.wav")
        except NoTelephone as error:
            raise NotThere(str(error)) from error
        except TransportError as error:
            if time.monotonic() + PAUSE >= until:
                raise NotThere(str(error)) from error
            time.sleep(PAUSE)
        else:
            return keep(content)


def keep(content: bytes) -> str:
    """Checks a recording and keeps it. NotThere when there is no room for it; BadAudio when nobody could hear it."""
    try:
        return sounds.take(content)
    except OSError as error:
        raise NotThere(str(error)) from error


def carry_out(order: Order, *, user: int, number: str, wanted: Wanted) -> int:
    """Switches the lines of an order in this person's name. Returns how many say so now. Refused; NotThere.

    Done twice it is done once: Twilio asks again where an answer got lost.
    """
    with transaction.atomic():
        by = get_user_model().objects.filter(pk=user, dial_in__numbers__number=number).first()
        if by is None or not pins.may_switch(by):
            raise Refused
        if order.sound and not sounds.claim(order.sound):
            raise NotThere("the recording is gone")
        rows = list(Line.objects.select_for_update().filter(active=True, key__in=order.lines))
        why = f"by phone from {readable(number)}"
        if order.deed == CLEAR:
            switch.clear_lines(rows, by, why)
        else:
            for line in rows:
                _announce(line, order, by, why)
        wanted()
    return len(rows)


def _announce(line: Line, order: Order, by: Any, why: str) -> None:
    recorded = {order.language: order.sound} if order.sound else {}
    spoken = switch.says(line.languages, line.incident_text, line.incident_audio, {}, recorded)
    text = {said["language"]: said["text"] for said in spoken if said["text"]}
    audio = {said["language"]: said["audio"] for said in spoken if said["audio"]}
    if switch.says_already(line, text, audio):
        return
    # Spoken over an incident's words it is about that incident, and ends with it.
    newest: Announcement | None = line.announcements.in_force(timezone.now()).first()  # type: ignore[attr-defined]
    about = ("problem", "known_since", "next_update_by", "until")
    switch.announce([line], text, audio, by=by, why=why, **{name: getattr(newest, name, None) for name in about})
