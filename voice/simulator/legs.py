"""Plays what a phone that a call has dialled hears when it is answered (`<Number url>`), and whether it is connected.

As https://www.twilio.com/docs/voice/twiml/number describes it: the document runs on that phone alone and may not dial;
it is connected where the document ends, and declines with `<Hangup>`. Pure, but for what `fetch` does.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from voice.simulator.documents import Wait, perform
from voice.simulator.keys import typed

# Documents that may follow one another; more are a loop.
MOST = 10
Fetch = Callable[[str, Mapping[str, str]], Element | None]


def screened(fetch: Fetch, url: str, keys: str) -> bool:
    """Whether who answered is connected, pressing `keys` at the first question and nothing at others."""
    document, cursor = fetch(url, {}), 0
    for _ in range(MOST):
        if document is None:
            return False
        scene = perform(document, cursor)
        wait, cursor = scene.wait, scene.cursor
        if wait.what == "end":
            return not wait.hung_up and wait.reason == "completed"
        following = _following(wait, keys)
        keys = ""
        if following is not None:
            url, cursor = urljoin(url, wait.action), 0
            document = fetch(url, following)
    return False


def _following(wait: Wait, keys: str) -> dict[str, str] | None:
    """What is told to the action; None: nothing, and the next verb follows."""
    if wait.what == "redirect":
        return {}
    if wait.what != "keys":
        # A recording has nothing to record, and dialling is not allowed here.
        return None
    digits, finished = typed(keys, wait)
    if digits or wait.tells_nothing:
        return {"Digits": digits, "FinishedOnKey": finished if finished in wait.finish else ""}
    return None
