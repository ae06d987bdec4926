"""How a callback goes on after each outcome. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from voice.models import Callback

# Tries before we give up, and the pause before each further one.
TRIES = 4
PAUSES = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3))

# What an agent may note, in the words of the buttons.
OUTCOMES = {
    "reached": "Reached",
    "no_answer": "No answer",
    "voicemail": "Left a voicemail",
    "wrong_number": "Wrong number",
    "by_mail": "Answered by mail",
}


@dataclass(frozen=True, slots=True)
class Next:
    """The state that follows, and after which pause it is due again."""

    state: str
    pause: timedelta | None = None


def after(outcome: str, attempts: int) -> Next:
    """What follows an outcome after so many attempts. ValueError for an outcome that is none."""
    if outcome in ("reached", "by_mail", "voicemail"):
        return Next(Callback.State.DONE)
    if outcome == "wrong_number":
        return Next(Callback.State.CANCELLED)
    if outcome != "no_answer":
        raise ValueError(f"no outcome: {outcome}")
    if attempts >= TRIES:
        return Next(Callback.State.GAVE_UP)
    return Next(Callback.State.DUE, PAUSES[min(max(attempts, 1), len(PAUSES)) - 1])


def after_dial(status: str, attempts: int) -> Next:
    """What follows when Twilio says how dialling the customer ended (`DialCallStatus`)."""
    if status in ("completed", "answered"):
        return Next(Callback.State.CONNECTED)
    return after("no_answer", attempts)
