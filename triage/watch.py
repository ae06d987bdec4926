"""The watch: one plain loop that ticks, sweeps, exports and reminds, under a lease, whatever else is away."""

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, close_old_connections
from django.utils import timezone

from tickets import delivery, heartbeats, intake, journal, loop_guard, nudge, spool, topics
from tickets.channels import mailbox
from tickets.models import Lane
from triage import knocking, refused, reminders
from triage.alerting import deliveries as alert_deliveries
from triage.alerting import escalation
from triage.incidents import jobs
from triage.lease import Held
from triage.status import export
from triage.surge import about, clock, counts, gaps, people, silence, telling, tick
from triage.surge.watching import settle
from voice import dialling, downloads, fallback, pins, reconcile, sounds, texts

log = logging.getLogger(__name__)

# Seconds that a lease lasts without renewal: as long as the watch may be silent before another takes over.
LEASE_SECONDS = 30.0
# Seconds between looks at what is due.
STEP = 0.5
# Files of the spool adopted at a time, well within the lease.
ADOPT = 2000
# Arrivals understood at a time while the broker is away: well within the lease.
STAND_IN = 100


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so many seconds. It must be safe to do twice and quick to do when there is nothing."""

    name: str
    every: float
    do: Callable[[], object]


def drain_spool() -> int:
    """Adopts what processes of this host left in the spool and cannot drain any more."""
    return spool.drain(journal.store, ADOPT)


def stand_in() -> int:
    """While the broker is away the workers hear of nothing: a bounded part of their work is done here meanwhile."""
    if not nudge.broker_is_away():
        return 0
    understood = intake.understand_all(STAND_IN)
    sent = delivery.send_due(Lane.LIVE) + delivery.send_due(Lane.BULK) + texts.send_due()
    return understood + sent + downloads.fetch_due()


def forget_minutes() -> int:
    """Minutes that are kept no longer, with their gaps, and heartbeats that were judged."""
    return counts.forget() + gaps.forget(timezone.now(), counts.KEPT) + clock.forget() + heartbeats.forget()


def forget_pin_attempts() -> int:
    """PINs entered on the telephone that no rule asks for any more, in recordings still to be read neither."""
    now = timezone.now()
    return pins.forget(min(now - pins.KEPT, reconcile.unread_since(now)))


CHORES = (
    Chore("drain the spool", 5, drain_spool),
    Chore("understand what was left", 5, intake.sweep),
    Chore("poll mailboxes", settings.MAILBOX_SECONDS, mailbox.start_polls),
    Chore("export the fallback", 5, fallback.export_quietly),
    Chore("send what was left", 5, delivery.sweep),
    Chore("stand in for the workers", 2, stand_in),
    Chore("send texts that were left", 5, texts.sweep),
    Chore("fetch recordings that were left", 10, downloads.sweep),
    Chore("look after callbacks", 10, dialling.sweep),
    Chore("ask Twilio for what was missed", 300, reconcile.start),
    Chore("expand jobs", 5, jobs.sweep),
    Chore("knock at our own doors", 20, knocking.KNOCKER.knock),
    # As often as the tick and after it: what it found is told at once.
    Chore("tick", 10, tick.tick),
    Chore("count the people of surges", 10, people.refresh),
    Chore("tell of silences", 10, silence.tell),
    Chore("tell of surges", 10, telling.tell),
    Chore("look back for topics", 5, topics.look_back),
    Chore("say what surges are about", 15, about.refresh),
    Chore("tell who was not told", 2, alert_deliveries.sweep),
    Chore("tell the second in line", 5, escalation.look),
    Chore("ask about announcements", 60, reminders.remind),
    Chore("tell of PINs that were guessed at", 10, reminders.tell_lockouts),
    Chore("alarm about refused webhooks", 20, refused.look),
    Chore("forget old minutes", 3600, forget_minutes),
    Chore("delete recordings that nobody used", 3600, sounds.sweep),
    Chore("forget what the loop guard counted", 3600, loop_guard.forget),
    Chore("forget PINs that were tried", 3600, forget_pin_attempts),
    Chore("export the status page", 5, export.refresh),
)


class Watch:
    """The loop's state: when each chore is due next, and what failed last."""

    def __init__(self, chores: tuple[Chore, ...] = CHORES, lease: Held | None = None) -> None:
        self._chores = chores
        self._lease = lease or Held("watch", f"{socket.gethostname()}:{os.getpid()}", LEASE_SECONDS)
        self._due = dict.fromkeys((chore.name for chore in chores), 0.0)
        self.failed: dict[str, str] = {}
        self.stopped = False

    def run(self) -> None:
        """Works until stopped."""
        settle()
        while not self.stopped:
            self.step(time.monotonic())
            # A connection that broke is not used again, and none is kept while waiting.
            close_old_connections()
            time.sleep(STEP)
        try:
            self._lease.release()
        except Error:
            log.info("the lease runs out by itself: the database is away")

    def stop(self) -> None:
        """Ends the loop after the chore under way."""
        self.stopped = True

    def step(self, now: float) -> list[str]:
        """Does what is due at `now` (monotonic seconds) while the lease is ours. Returns the names of what was done."""
        done: list[str] = []
        for chore in self._chores:
            if now < self._due[chore.name] or self.stopped:
                continue
            self._due[chore.name] = now + chore.every
            # Asked before each chore: a long one may have cost us the lease.
            if not self._may_act():
                return done
            self._do(chore)
            done.append(chore.name)
        return done

    def _may_act(self) -> bool:
        try:
            return self._lease.keep()
        except Error as error:
            log.warning("watch: the database is away: %s", error)
            return False

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except Exception as error:  # one chore's fault must not stop the others
            if self.failed.get(chore.name) != repr(error):
                log.exception("watch: %s", chore.name)
            self.failed[chore.name] = repr(error)
        else:
            if self.failed.pop(chore.name, None):
                log.info("watch: %s works again", chore.name)
