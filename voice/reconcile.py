"""Asks Twilio for what it has of us and we do not: calls, recordings and texts, journaled under the keys of their own.

Window by window from the last one that was read to the end, each begun earlier by an overlap: what is known already is
found by its key and changes nothing. What is a few minutes old is left to its webhook, or to the spool.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, close_old_connections
from django.utils import timezone

from tickets import journal
from tickets.models import Arrival, Channel, CountsAs, Entry
from tickets.work import TransportError
from voice import plan, unclear
from voice.models import Call, PinAttempt, Reconciliation
from voice.numbers import caller_of
from voice.reading import ENDED
from voice.twilio_client import NoTelephone, Telephone, telephone

log = logging.getLogger(__name__)

# One window, how much earlier it is begun, and the time that webhooks, retries and the spool are given.
WINDOW, OVERLAP, LAG = timedelta(hours=1), timedelta(hours=1), timedelta(minutes=3)
# How far a first run looks back, and seconds that one run may take.
FIRST, RUN = timedelta(hours=1), 60.0
# The longest that a call may last at Twilio.
LONGEST_CALL = timedelta(hours=24)
NAME = "twilio"
_running = threading.Lock()


def start() -> bool:
    """Runs in a thread of its own: Twilio may be slow, and nobody waits for it. False while one is running."""
    if not _running.acquire(blocking=False):
        return False
    threading.Thread(target=_run_in_thread, name="reconcile", daemon=True).start()
    return True


def run(now: datetime | None = None) -> int:
    """Reads windows until the present or until RUN seconds are over. Returns how many arrivals were journaled."""
    try:
        line = telephone()
    except NoTelephone:
        return 0
    end, until = (now or timezone.now()) - LAG, time.monotonic() + RUN
    state, _ = Reconciliation.objects.get_or_create(name=NAME, defaults={"upto": end - FIRST})
    found = 0
    try:
        while state.upto < end and time.monotonic() < until:
            upto = min(state.upto + WINDOW, end)
            found += _window(line, state.upto - OVERLAP, upto)
            state.upto = upto
            state.fault = ""
            Reconciliation.objects.filter(pk=state.pk).update(upto=upto, fault="", ran_at=timezone.now())
    except (TransportError, journal.NotKept) as error:
        log.warning("what Twilio has of us was read until %s: %s", state.upto, error)
        Reconciliation.objects.filter(pk=state.pk).update(fault=str(error)[:300], ran_at=timezone.now())
    if found:
        log.warning("%s calls, recordings and texts had not reached us; they are journaled now", found)
    return found


def unread_since(now: datetime) -> datetime:
    """Since when Twilio may have calls that are still to be read: now, where nothing is read of it."""
    upto = Reconciliation.objects.filter(name=NAME).values_list("upto", flat=True).first()
    return upto - OVERLAP - LONGEST_CALL if upto else now


def _window(line: Telephone, start: datetime, end: datetime) -> int:
    calls = [call for call in line.calls(start, end) if call["direction"] == "inbound"]
    recordings = line.recordings(start, end)
    texts = [text for text in line.texts(start, end) if text["direction"] == "inbound"]
    missing = [*_calls(calls), *_recordings(recordings, calls), *_texts(line, texts)]
    fresh = _unknown(missing)
    for incoming in fresh:
        journal.accept(incoming)
    return len(fresh)


def _calls(calls: Sequence[Mapping[str, Any]]) -> Iterator[journal.Incoming]:
    """A call that we know nothing of, and the end of one that we know only the beginning of."""
    known = dict(Call.objects.filter(sid__in=[call["sid"] for call in calls]).values_list("sid", "status"))
    for call in calls:
        if call["status"] not in ENDED:
            continue
        if call["sid"] not in known:
            yield _call(call, "answer", "0", "missed", call["start_time"], "")
        if known.get(call["sid"]) not in ENDED:
            yield _call(call, "status", call["status"], "status", call["end_time"] or call["start_time"], CountsAs.STEP)


def _call(call: Mapping[str, Any], step: str, place: str, told: str, at: datetime, counts_as: str) -> journal.Incoming:
    return journal.Incoming(
        channel=Channel.CALL,
        key=journal.key_of(call["sid"], step, place),
        sender=caller_of(call["from_"] or ""),
        happened_at=at,
        line=_line(call["to"]),
        counts_as=counts_as,
        payload={
            "sid": call["sid"],
            "step": told,
            "simulated": False,
            "caller": caller_of(call["from_"] or ""),
            "CallStatus": call["status"],
            "reconciled": True,
        },
    )


def _recordings(
    recordings: Sequence[Mapping[str, Any]], calls: Sequence[Mapping[str, Any]]
) -> Iterator[journal.Incoming]:
    """A message that somebody left, and nobody told us; `calls` are those of the same time."""
    since = min((recording["date_created"] for recording in recordings), default=timezone.now())
    left = Entry.objects.filter(kind=Entry.Kind.VOICEMAIL, happened_at__gte=since - OVERLAP)
    known = {payload.get("recording") for payload in left.values_list("payload", flat=True)}
    whose = {call["sid"]: (caller_of(call["from_"] or ""), _line(call["to"])) for call in calls}
    ours = Call.objects.filter(sid__in=[one["call_sid"] for one in recordings])
    whose |= {sid: (caller, key or "") for sid, caller, key in ours.values_list("sid", "caller", "line__key")}
    # What managers spoke to have it announced is no message for us.
    tried = PinAttempt.objects.filter(outcome=PinAttempt.Outcome.RIGHT, call_sid__in=list(whose))
    dialled_in = set(tried.values_list("call_sid", flat=True))
    for one in recordings:
        if one["sid"] in known or one["call_sid"] not in whose or one["call_sid"] in dialled_in:
            continue
        caller, line = whose[one["call_sid"]]
        yield journal.Incoming(
            channel=Channel.CALL,
            key=journal.key_of(one["call_sid"], "recording", one["sid"]),
            sender=caller,
            happened_at=one["date_created"],
            line=line,
            counts_as=CountsAs.STEP,
            payload={
                "sid": one["call_sid"],
                "step": "recording",
                "simulated": False,
                "caller": caller,
                "choice": "voicemail",
                "RecordingSid": one["sid"],
                "RecordingUrl": one["media_url"] or "",
                "RecordingDuration": one["duration"] or "",
                "reconciled": True,
            },
        )


def _texts(line: Telephone, texts: Sequence[Mapping[str, Any]]) -> Iterator[journal.Incoming]:
    keys = {journal.key_of(text["sid"]): text for text in texts}
    known = _keys(Channel.TEXT, list(keys))
    for key, text in keys.items():
        if key in known:
            continue
        media = line.media(text["sid"]) if int(text["num_media"] or 0) else []
        yield journal.Incoming(
            channel=Channel.TEXT,
            key=key,
            sender=caller_of(text["from_"] or ""),
            happened_at=text["date_created"],
            line=_line(text["to"]),
            payload={
                "MessageSid": text["sid"],
                "From": text["from_"] or "",
                "To": text["to"],
                "Body": text["body"] or "",
                "media": media,
                "reconciled": True,
            },
        )


def _unknown(incoming: Sequence[journal.Incoming]) -> list[journal.Incoming]:
    known = {
        (channel, key)
        for channel in {one.channel for one in incoming}
        for key in _keys(channel, [one.key for one in incoming if one.channel == channel])
    }
    return [one for one in incoming if (one.channel, one.key) not in known]


def _keys(channel: str, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        rows = Arrival.objects.filter(channel=channel, key__in=keys[start : start + 500])
        found |= set(rows.values_list("key", flat=True))
    return found


def _line(number: str) -> str:
    return plan.PLAN.current().get("numbers", {}).get(number, "")


def _run_in_thread() -> None:
    try:
        run()
        unclear.settle()
    except Error as error:
        log.warning("what Twilio has of us is read later, the database is away: %s", error)
    finally:
        close_old_connections()
        _running.release()
