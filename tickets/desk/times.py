"""Times as the desk says them. Pure."""

from datetime import datetime

# Seconds before it is due from which an answer counts as due soon.
SOON = 15 * 60


def span_words(seconds: float) -> str:
    """A length of time in at most two units: "now", "8 min", "1 h 12", "3 d"."""
    minutes = int(max(seconds, 0) // 60)
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}"
    return f"{minutes // (24 * 60)} d"


def due_words(due_at: datetime, now: datetime) -> tuple[str, str]:
    """The tag's kind (late, soon, plain) and its words."""
    left = (due_at - now).total_seconds()
    if left < 0:
        return "late", "Overdue" if left > -60 else f"Overdue {span_words(-left)}"
    return "soon" if left <= SOON else "plain", "Due now" if left < 60 else f"Due in {span_words(left)}"
