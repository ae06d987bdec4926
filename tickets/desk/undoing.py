"""The offer to undo: the last act of a session, for a few minutes."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from tickets.desk.acts import Undo

KEY = "undo"
OFFERED = timedelta(minutes=10)


def offer(request: HttpRequest, done: Undo) -> None:
    """Keeps the act in the session; the next pages offer to take it back. The newest act replaces an older one."""
    if done.before:
        request.session[KEY] = done.as_json()


def offered(request: HttpRequest, now: datetime | None = None) -> dict[str, Any] | None:
    """The act that can be taken back now."""
    session = getattr(request, "session", None)
    record = session.get(KEY) if session is not None else None
    if record is None or datetime.fromisoformat(record["at"]) < (now or timezone.now()) - OFFERED:
        return None
    return record


def take(request: HttpRequest, token: str) -> dict[str, Any] | None:
    """The act with this token, which can be taken back once."""
    record = offered(request)
    if record is None or record["token"] != token:
        return None
    del request.session[KEY]
    return record
