"""How a callback goes on after each outcome, and after each word of Twilio about its call. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from voice.models import Callback

State = Callback.State

# Tries before we give up, and the pause before each further one, by how the last one ended: who is busy is there.
TRIES = 4
PAUSES = {
    "busy": (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1)),
    "no_answer": (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3)),
    "failed": (timedelta(hours=1), timedelta(hours=3), timedelta(hours=12)),
}
# Outcomes after which we call again.
AGAIN = frozenset(PAUSES)
# What an agent may note, in the words of the buttons.
OUTCOMES = {
    "reached": "Reached",
    "no_answer": "No answer",
    "voicemail": "Left a voicemail",
    "wrong_number": "Wrong number",
    "by_mail": "Answered by mail",
}
# How Twilio's word about the customer's call reads in the conversation.
TOLD = {"busy": "busy", "no_answer": "no answer", "failed": "the number could not be reached"}
# Statuses with which Twilio says that a call is over.
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True, slots=True)
class Next:
    """The state that follows, and after which pause it is due again. `outcome` is set where it is known."""

    state: str
    pause: timedelta | None = None
    outcome: str = ""


def after(outcome: str, tries: int) -> Next:
    """What follows an outcome after so many tries. ValueError for an outcome that is none."""
    if outcome in ("reached", "by_mail", "voicemail"):
        return Next(State.DONE, outcome=outcome)
    if outcome == "wrong_number":
        return Next(State.CANCELLED, outcome=outcome)
    if outcome not in AGAIN:
        raise ValueError(f"no outcome: {outcome}")
    if tries >= TRIES:
        return Next(State.GAVE_UP, outcome=outcome)
    pauses = PAUSES[outcome]
    return Next(State.DUE, pauses[min(max(tries, 1), len(pauses)) - 1], outcome)


def after_leg(state: str, step: str, status: str, tries: int) -> Next | None:
    """What follows a webhook of our call, in whatever order they are understood; None: nothing.

    `step`: connect (the agent pressed 1), ended (how dialling the customer ended), status (the agent's own call),
    undialled (Twilio was asked: the customer's phone has never rung).
    `tries` counts this one. Only asked while nobody, neither Twilio nor a person, has said how this call went.
    """
    if step == "ended" and state in (State.DIALLING_AGENT, State.DIALLING_CUSTOMER, State.UNCERTAIN, State.DUE):
        ended = status if status in AGAIN else "no_answer"
        return Next(State.CONNECTED) if status in ("completed", "answered") else after(ended, tries)
    if step == "connect" and state == State.DIALLING_AGENT:
        return Next(State.DIALLING_CUSTOMER)
    if step == "connect" and state == State.DUE:
        # The agent's call is known to be over already: the customer's phone has rung, and we wait to hear how it went.
        return Next(State.UNCERTAIN)
    if step == "undialled" and state in (State.DIALLING_AGENT, State.DIALLING_CUSTOMER, State.UNCERTAIN):
        return Next(State.DUE)
    if step == "status" and status in OVER:
        # Over before the agent pressed 1: nobody was dialled. After it: the word about the customer's call is missing.
        over = {str(State.DIALLING_AGENT): Next(State.DUE), str(State.DIALLING_CUSTOMER): Next(State.UNCERTAIN)}
        return over.get(state)
    return None


def is_try(state: str, step: str) -> bool:
    """Whether this webhook is the first word that the customer's phone rings: that is what counts as a try."""
    return step in ("connect", "ended") and state in (State.DIALLING_AGENT, State.DUE)
