"""Each who is told is a row: mails go to the outbox, services are told by a worker, once, or by nobody knows whom."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tickets import audit, changes, nudge, outbox, work
from tickets.models import Lane, Outgoing, WorkState
from tickets.work import TransportError
from triage.alerting import acknowledging, apprise_client, routes
from triage.alerting.models import Alert, AlertDelivery
from triage.alerting.routes import Recipient

log = logging.getLogger(__name__)

SEND = "triage.tasks.send_alert"
TELL, END = AlertDelivery.What.TELL, AlertDelivery.What.END
# Attempts, from 10 s to 5 min apart: about half an hour, after which a page is news no longer.
MOST_ATTEMPTS = 10
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
# Seconds that a due row waits for a worker before the watch does it itself, well within its lease.
PATIENCE = 5


def queue(alert: Alert, recipients: Sequence[Recipient], what: str) -> int:
    """Writes a row for each who has none yet, in the caller's transaction. Returns how many are new."""
    known = set(alert.deliveries.filter(what=what).values_list("to", flat=True))
    now = timezone.now()
    rows = [
        AlertDelivery(alert=alert, what=what, to=one.key, name=one.name, step=one.step, due_at=now)
        for one in recipients
        if one.key not in known
    ]
    AlertDelivery.objects.bulk_create(rows)
    mails = [row for row in rows if row.to.startswith("mail:")]
    _hand_to_outbox(mails)
    for row in rows:
        if row.state == WorkState.QUEUED:
            nudge.send(SEND, row.pk, queue="live")
    changes.bump("alerts")
    return len(rows)


def _hand_to_outbox(rows: Sequence[AlertDelivery]) -> None:
    """From here on the outbox sees to it that the mail leaves once."""
    queued = outbox.queue_many([_draft(row) for row in rows]) if rows else []
    for row, mail in zip(rows, queued, strict=True):
        row.outgoing, row.done_at = mail, timezone.now()
        row.state = WorkState.SENT if mail else WorkState.SUPPRESSED
        row.error = "" if mail else "this address gets no mail"
    AlertDelivery.objects.bulk_update(rows, ["outgoing", "done_at", "state", "error"])


def _draft(row: AlertDelivery) -> outbox.Draft:
    subject, text, link = words_of(row)
    return outbox.Draft(
        kind=Outgoing.Kind.ALERT,
        lane=Lane.LIVE,
        to=row.to.removeprefix("mail:"),
        requester=None,
        ticket=None,
        subject=subject,
        text=f"{text}\n{link}\n" if link else text,
        group=f"alert:{row.alert.kind}",
    )


def words_of(row: AlertDelivery) -> tuple[str, str, str]:
    """Subject, text, and the sentence with the link that acknowledges; empty where there is nothing to acknowledge."""
    alert = row.alert
    if row.what == END:
        return alert.end_subject, alert.end_text, ""
    link = f"I am on it: {acknowledging.link_of(row)}" if alert.level == Alert.Level.PAGE else ""
    if row.step == routes.SECOND:
        minutes = round((row.due_at - alert.made_at).total_seconds() / 60)
        why = f"Nobody has acknowledged this for {minutes} min." if minutes else "It reached nobody before you."
        return f"Unanswered: {alert.subject}", f"{why}\n\n{alert.text}", link
    return alert.subject, alert.text, link


def send(pk: int) -> str:
    """Tells one service now, if its row is due and free. Returns the state it is in afterwards."""
    row = work.claim(AlertDelivery.objects.select_related("alert"), pk)
    if row is not None:
        _attempt(row)
        changes.bump("alerts")
    return AlertDelivery.objects.values_list("state", flat=True).get(pk=pk)


def _attempt(row: AlertDelivery) -> None:
    """Tells it by a claimed row, outside any transaction."""
    url = routes.url_of(row.to)
    why = "the route is gone or off" if not url else _needless(row)
    if why:
        work.finish(row, WorkState.SUPPRESSED, why)
        return
    try:
        apprise_client.send(url, *words_of(row))
    except TransportError as error:
        log.warning("alert %s to %s: %s", row.alert_id, row.name, error)
        if error.uncertain:
            work.finish(row, WorkState.UNCERTAIN, str(error))
        elif error.permanent or row.attempts >= MOST_ATTEMPTS:
            work.finish(row, WorkState.FAILED, str(error))
        else:
            pause = work.pause_after(row.attempts, first=FIRST_PAUSE, most=LONGEST_PAUSE)
            work.put_back(row, pause, str(error))
    else:
        work.finish(row, WorkState.SENT)


def _needless(row: AlertDelivery) -> str:
    """Why nobody need hear this any more; empty where they do."""
    if row.what == TELL and row.alert.ended_at is not None:
        return "it was over before"
    if row.what == TELL and row.step == routes.SECOND and row.alert.acknowledged_at is not None:
        return "somebody had acknowledged it"
    return ""


def told(alerts: Sequence[Alert]) -> list[Recipient]:
    """Everybody who heard of these alerts, or may have: they hear of the end."""
    heard = [WorkState.SENT, WorkState.SENDING, WorkState.UNCERTAIN]
    rows = AlertDelivery.objects.filter(alert__in=[alert.pk for alert in alerts], what=TELL, state__in=heard)
    found = {row.to: Recipient(row.to, row.name, row.step) for row in rows.order_by("pk")}
    return list(found.values())


def withdraw(alerts: Sequence[Alert], why: str) -> None:
    """What has not left yet stays here."""
    waits = Q(alert__in=[alert.pk for alert in alerts], what=TELL, state=WorkState.QUEUED)
    AlertDelivery.objects.filter(waits).update(state=WorkState.SUPPRESSED, error=why, done_at=timezone.now())


def sweep(now: datetime | None = None) -> int:
    """Stale claims become uncertain, due rows are handed to workers, and one that no worker took is done here."""
    now = now or timezone.now()
    stale = work.sweep(AlertDelivery.objects.all(), now)
    due = work.due_ids(AlertDelivery.objects.all(), 20, now)
    for pk in due:
        nudge.send(SEND, pk, queue="live")
    late = AlertDelivery.objects.filter(due_at__lt=now - timedelta(seconds=PATIENCE))
    for pk in work.due_ids(late, 1, now):
        send(pk)
    if stale:
        changes.bump("alerts")
    return len(stale) + len(due)


def send_again(pk: int, by: object) -> bool:
    """A person has decided that this one is told again."""
    if not _decide(pk, by, "alert.send_again", state=WorkState.QUEUED, due_at=timezone.now(), done_at=None):
        return False
    nudge.send(SEND, pk, queue="live")
    return True


def count_as_sent(pk: int, by: object) -> bool:
    """A person knows, or has decided, that this one needs no further attempt."""
    return _decide(pk, by, "alert.count_as_sent", state=WorkState.SENT, done_at=timezone.now())


def _decide(pk: int, by: object, action: str, **values: object) -> bool:
    with transaction.atomic():
        waits = AlertDelivery.objects.filter(pk=pk, state__in=[WorkState.FAILED, WorkState.UNCERTAIN])
        if not waits.update(**values):
            return False
        audit.record(by, action, pk)
        changes.bump("alerts")
    return True
