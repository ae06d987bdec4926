"""Calls and texts of ours that nobody knows the end of: Twilio is asked, and what it can tell settles them."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from tickets import changes
from tickets.models import WorkState
from tickets.work import TransportError
from voice import dialling, outcomes
from voice.callbacks import State
from voice.models import AgentPhone, Callback, TextMessage
from voice.twilio_client import NoTelephone, Telephone, telephone

log = logging.getLogger(__name__)

# A request that was claimed is at Twilio within this time, or never.
SOON = timedelta(minutes=2)
# What is older than this is left to people, and so many are asked about in one run.
OLDEST, MOST = timedelta(hours=12), 5


def settle() -> int:
    """Asks about a few of them. Returns how many are settled."""
    try:
        line = telephone()
        return _callbacks(line) + _texts(line)
    except NoTelephone:
        return 0
    except TransportError as error:
        log.warning("Twilio cannot be asked about what is unclear: %s", error)
        return 0


def _callbacks(line: Telephone) -> int:
    now = timezone.now()
    rows = Callback.objects.filter(
        state=State.UNCERTAIN, simulated=False, outcome="", claimed_at__lt=now - SOON, claimed_at__gt=now - OLDEST
    ).select_related("line")
    return sum(_callback(line, row) for row in rows.order_by("claimed_at")[:MOST])


def _callback(line: Telephone, row: Callback) -> bool:
    """Found by its SID, else by who was rung when; then the customer's call below it tells how it went."""
    phone = AgentPhone.objects.filter(user=row.agent_id).values_list("number", flat=True).first()
    if not row.call_sid and (phone is None or row.line is None):
        return False
    call = line.call(row.call_sid) if row.call_sid else _begun(line, row, str(phone))
    if call is None:
        # Twilio has no such call, and had the time to have it: nobody was rung, and it is due again.
        dialling.apply_leg(row.pk, row.attempts, "undialled", "")
        return True
    if call["status"] not in outcomes.OVER:
        return False
    if not row.call_sid:
        Callback.objects.filter(pk=row.pk, attempts=row.attempts, call_sid="").update(call_sid=call["sid"])
    below = [child for child in line.calls_below(call["sid"]) if child["to"] == row.number]
    if below:
        dialling.apply_leg(row.pk, row.attempts, "ended", below[-1]["status"])
    else:
        dialling.apply_leg(row.pk, row.attempts, "undialled", "")
    return True


def _begun(line: Telephone, row: Callback, phone: str) -> Mapping[str, Any] | None:
    assert row.claimed_at is not None
    assert row.line is not None
    found = line.calls(row.claimed_at - timedelta(seconds=5), row.claimed_at + SOON, to=phone)
    ours = [call for call in found if call["from_"] == row.line.number and call["direction"] == "outbound-api"]
    taken = set(Callback.objects.filter(call_sid__in=[call["sid"] for call in ours]).values_list("call_sid", flat=True))
    return next((call for call in ours if call["sid"] not in taken), None)


def _texts(line: Telephone) -> int:
    now = timezone.now()
    rows = TextMessage.objects.filter(
        state=WorkState.UNCERTAIN, sid="", claimed_at__lt=now - SOON, claimed_at__gt=now - OLDEST
    )
    return sum(_text(line, row) for row in rows.order_by("claimed_at")[:MOST])


def _text(line: Telephone, row: TextMessage) -> bool:
    """One that Twilio has, has left; of one that it has not, a person decides: the note says that it was asked."""
    assert row.claimed_at is not None
    found = line.texts(row.claimed_at - timedelta(seconds=5), row.claimed_at + SOON, to=row.to)
    sids = [text["sid"] for text in found if text["body"] == row.body and text["direction"] != "inbound"]
    taken = set(TextMessage.objects.filter(sid__in=sids).values_list("sid", flat=True))
    sid = next((sid for sid in sids if sid not in taken), "")
    unclear = TextMessage.objects.filter(Q(pk=row.pk, state=WorkState.UNCERTAIN, sid=""))
    if sid:
        unclear.update(state=WorkState.SENT, sid=sid, done_at=timezone.now(), error="")
    else:
        unclear.update(error="Twilio was asked and has no such text: it has most likely not left.")
    changes.bump("texts")
    return bool(sid)
