"""Looks for every contact of a drill in tickets, callbacks and outgoing mail."""

import email
import email.policy
import re
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from tickets.models import Arrival, ArrivalState, Entry, Outgoing, WorkState
from triage.drill.reckoning import Found, Sent
from triage.models import Incident, Surge
from voice.models import Announcement, Call, Callback

TOKEN = re.compile(r"\b[0-9a-f]{32}\b")
# Clocks of sender and database may differ by this much.
SLACK = timedelta(seconds=5)


def wait_until_worked_off(seconds: float) -> bool:
    """Waits until nothing that arrived is left to be understood and no mail of the live lane is left to be sent."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not unfinished():
            return True
        time.sleep(0.5)
    return not unfinished()


def unfinished() -> bool:
    waiting = Arrival.objects.filter(state__in=[ArrivalState.ACCEPTED, ArrivalState.WAITING])
    unsent = Outgoing.objects.filter(state__in=[WorkState.QUEUED, WorkState.SENDING])
    return waiting.exists() or unsent.exists()


def find(sent: list[Sent]) -> Found:
    """Counts the traces of a drill's contacts; costs one pass over what came since the drill began."""
    since = began(sent) - SLACK
    tokens = {line["token"] for line in sent}
    return Found(
        tickets=_tokens(Entry.objects.filter(created_at__gte=since, kind=Entry.Kind.MESSAGE), tokens),
        calls=Counter(Call.objects.filter(started_at__gte=since).values_list("sid", flat=True)),
        callbacks=Counter(Callback.objects.filter(requested_at__gte=since).values_list("number", flat=True)),
        acknowledgements=_acknowledgements(since),
        mails=Counter(_message_ids(since)),
    )


def began(sent: Iterable[Sent]) -> datetime:
    """When the first contact of a drill was sent."""
    return min(datetime.fromisoformat(line["at"]) for line in sent)


def _tokens(entries: "Iterable[Entry]", tokens: set[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text in entries.values_list("text", flat=True).iterator(chunk_size=1000):  # type: ignore[attr-defined]
        found.update(tokens.intersection(TOKEN.findall(text)))
    return found


def _acknowledgements(since: datetime) -> Counter[str]:
    rows = Outgoing.objects.filter(created_at__gte=since, kind=Outgoing.Kind.ACKNOWLEDGEMENT)
    return Counter(rows.exclude(state=WorkState.SUPPRESSED).values_list("to", flat=True))


def _message_ids(since: datetime) -> Iterable[str]:
    """Message-IDs of the mails in the folder, where mail goes to a folder."""
    folder = Path(settings.MAIL_FOLDER)
    for path in folder.rglob("*.eml"):
        if path.stat().st_mtime >= since.timestamp():
            with path.open("rb") as file:
                headers = email.message_from_binary_file(file, policy=email.policy.compat32)
            yield str(headers["Message-ID"])


def minutes_to_detection(sent: list[Sent]) -> float | None:
    """Minutes from the first contact to the surge's detection; None while there is none."""
    start = began(sent)
    surge = Surge.objects.filter(detected_at__gte=start - SLACK).order_by("detected_at").first()
    return round((surge.detected_at - start).total_seconds() / 60, 2) if surge else None


def seconds_to_first_listener(sent: list[Sent]) -> float | None:
    """Seconds from entering incident mode to the first caller of the drill who heard its message."""
    incident = Incident.objects.filter(entered_at__gte=began(sent) - SLACK).order_by("entered_at").first()
    if incident is None:
        return None
    words = _announced(incident)
    heard = [
        datetime.fromisoformat(line["at"]) for line in sent if any(word in line.get("heard", "") for word in words)
    ]
    after = [at for at in heard if at >= incident.entered_at]
    return round((min(after) - incident.entered_at).total_seconds(), 2) if after else None


def _announced(incident: Incident) -> set[str]:
    """What callers hear of an incident: its sentences, and its audio by content hash."""
    words: set[str] = set()
    for text, audio in Announcement.objects.filter(problem=incident.problem).values_list("text", "audio"):
        words.update(" ".join(value.split()) for value in text.values() if value.strip())
        words.update(audio.values())
    return words
