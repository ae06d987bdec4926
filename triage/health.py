"""How the house itself is: what waits, what is in doubt, whether the watch is awake. Counts are bounded."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.timezone import localtime

from tickets import loop_guard, spool
from tickets.channels import refusals
from tickets.heartbeats import MAILBOX
from tickets.models import Arrival, ArrivalState, MailboxState, Outgoing, WorkState
from triage.models import AlertDelivery, Lease, Silence
from triage.surge import silence

# Rows are counted up to here; "more than" beyond.
MOST = 1000
# Refusals in five minutes, and arrivals not read yet, that are worth a look.
REFUSED = 10
WORKED_OFF = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the panel. `state` is good, warn or bad."""

    name: str
    value: str
    state: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    checks: list[Check]
    in_doubt: int

    @property
    def worst(self) -> str:
        states = {check.state for check in self.checks}
        return next((state for state in ("bad", "warn") if state in states), "good")


def health(now: datetime) -> Health:
    """The panel's lines, and how many messages may be lost or doubled for all we know."""
    waiting = len(spool.waiting())
    bad = sum(1 for _ in spool.bad_folder().glob("*.json"))
    unread = _bounded(Arrival.objects.filter(state__in=[ArrivalState.ACCEPTED, ArrivalState.WAITING]))
    failed = _bounded(Outgoing.objects.filter(state=WorkState.FAILED))
    uncertain = _bounded(Outgoing.objects.filter(state=WorkState.UNCERTAIN))
    unclear = _bounded(AlertDelivery.objects.filter(state__in=[WorkState.FAILED, WorkState.UNCERTAIN]))
    refused = sum(refusals.recent(5).values())
    checks = [
        Check("Arrivals still to be read", _number(unread), "good" if unread < WORKED_OFF else "warn"),
        Check("In the spool, for the database", _number(waiting), "good" if not waiting else "warn"),
        Check("Set aside, could not be stored", _number(bad), "good" if not bad else "bad"),
        Check("Mail that failed", _number(failed), "good" if not failed else "warn", "outbox"),
        Check("Mail that is uncertain", _number(uncertain), "good" if not uncertain else "bad", "outbox"),
        Check("Alerts that failed or are uncertain", _number(unclear), "good" if not unclear else "bad", "alerts"),
        Check("Acknowledgements held back, 24 h", _number(loop_guard.held(now)), "good"),
        Check("Refused webhooks, 5 minutes", _number(refused), "good" if refused < REFUSED else "bad"),
        *_mailboxes(),
        *_silences(),
        _watch(now),
    ]
    return Health(checks, in_doubt=bad + uncertain)


def _mailboxes() -> list[Check]:
    """Those that cannot be read: what is written to them reaches nobody."""
    failing = MailboxState.objects.filter(failures__gt=1).order_by("name")[:5]
    return [Check(f"Mailbox {state.name}", state.error, "bad") for state in failing]


def _silences() -> list[Check]:
    """What managers were alarmed about and is not over; mailboxes have lines of their own."""
    told = Silence.objects.filter(ended_at=None).exclude(alerted_at=None).order_by("since", "pk")
    rows = told.exclude(what__startswith=f"{silence.HEARTBEAT}{MAILBOX}")[:5]
    return [Check(f"Silence: {silence.name(one.what)}", f"since {localtime(one.since):%H:%M}", "bad") for one in rows]


def _watch(now: datetime) -> Check:
    until = Lease.objects.filter(name="watch").values_list("until", flat=True).first()
    if until is None:
        return Check("Watch", "never seen", "bad")
    if until > now:
        return Check("Watch", "awake", "good")
    silent = now - until
    return Check("Watch", f"silent for {int(silent / timedelta(minutes=1))} min", "bad")


def _bounded(rows: QuerySet) -> int:
    return rows.order_by().values("pk")[: MOST + 1].count()


def _number(number: int) -> str:
    return f"more than {MOST:,}" if number > MOST else f"{number:,}"
