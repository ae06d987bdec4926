"""What Twilio makes of the keys that somebody presses. Pure."""

from voice.simulator.documents import Wait


def typed(keys: str, wait: Wait) -> tuple[str, str]:
    """Pure: the digits that are told, and the key that ended the input; empty: the time-out ended it."""
    digits = ""
    for key in keys:
        if key in wait.finish:
            return digits, key
        digits += key
        if wait.digits and len(digits) == wait.digits:
            return digits, key
    return digits, ""
