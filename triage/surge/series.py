"""The series that are counted and watched: all, medium:<medium>, line:<key>, topic:<key>."""

from collections.abc import Iterable

from tickets.models import Medium

ALL, MEDIUM = "all", "medium:"
_ORDER = {"all": 0, "medium": 1, "line": 2, "topic": 3}


def in_order(series: Iterable[str]) -> list[str]:
    """Parents before their children."""
    return sorted(series, key=lambda one: (_ORDER.get(one.partition(":")[0], 4), one))


def pages(series: str) -> bool:
    """True where a surge is worth a page by itself: over all, and by channel."""
    return series == ALL or series.startswith(MEDIUM)


def name_of(series: str) -> str:
    """As people read it."""
    kind, _, key = series.partition(":")
    if kind == "medium":
        return str(Medium(key).label) if key in Medium.values else key
    return f"{kind} {key}" if kind in ("line", "topic") else "all channels"
