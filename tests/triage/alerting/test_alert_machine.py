"""Alerts under any order of words, workers, crashes, answers and watches: nobody hears twice, none is forgotten."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.promised import promised
from tickets.models import WorkState
from tickets.work import TransportError
from triage import alerts
from triage.alerting import acknowledging, apprise_client, deliveries, escalation
from triage.models import Alert, AlertDelivery, AlertRoute

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KINDS = ["surge:1", "surge:2"]
HOW = ["fine", "fine", "refused", "busy", "lost", "crash before", "crash after"]


class Crash(BaseException):
    """The process ends at this point."""


class Alerting(RuleBasedStateMachine):
    """`heard`: what services heard, by URL and subject, as the network saw it; `doubtful`: who may have."""

    def __init__(self):
        super().__init__()
        self.heard, self.how, self.number, self.doubtful = Counter(), "fine", 0, set()

    def send(self, url, subject, text, link="", **_):
        how, self.how = self.how, "fine"
        if how == "crash before":
            self.doubtful.add(url)
            raise Crash
        if how == "refused":
            raise TransportError("error=404", permanent=True)
        if how == "busy":
            raise TransportError("error=503", permanent=False)
        self.heard[url, subject] += 1
        if how == "crash after":
            raise Crash
        if how == "lost":
            raise TransportError("no answer", permanent=False, uncertain=True)

    @initialize()
    def begin(self):
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(apprise_client, "send", self.send)
        self.clock = time_machine.travel(START, tick=False)
        self.time = self.clock.start()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        for name, step in (("ops", 1), ("desk", 1), ("boss", 2)):
            AlertRoute.objects.create(name=name, url=f"json://{name}", step=step)

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        self.clock.stop()
        self.patch.undo()

    @rule(kind=st.sampled_from(KINDS))
    def tell(self, kind):
        open_before = alerts.is_open(kind)
        self.number += 1
        told = alerts.notify(kind, f"{kind} {self.number}", "Text", lasting=True)
        assert told == (0 if open_before else 2)

    @rule(kind=st.sampled_from(KINDS))
    def end(self, kind):
        self.number += 1
        alerts.end(kind, f"over {self.number}", "Text")

    @rule(how=st.sampled_from(HOW))
    def work(self, how):
        """Workers turn to the newest rows, due or not; the first that calls a service meets `how`."""
        self.how = how
        for pk in AlertDelivery.objects.order_by("-pk").values_list("pk", flat=True)[:6]:
            with suppress(Crash):
                deliveries.send(pk)
        self.how = "fine"

    @rule(kind=st.sampled_from(KINDS))
    def answer(self, kind):
        alert = Alert.objects.filter(kind=kind, ended_at=None).first()
        if alert:
            acknowledging.acknowledge(alert, name="ops")

    @rule(minutes=st.sampled_from([0.1, 1, 3, 6]))
    def wait(self, minutes):
        self.time.shift(timedelta(minutes=minutes))

    @rule()
    def watch(self):
        open_pages = dict(Alert.objects.filter(acknowledged_at=None, ended_at=None).values_list("pk", "made_at"))
        before = set(Alert.objects.exclude(escalated_at=None).values_list("pk", flat=True))
        escalation.look()
        new = set(Alert.objects.exclude(escalated_at=None).values_list("pk", flat=True)) - before
        assert new <= open_pages.keys(), "what is answered or over is not escalated"
        deliveries.sweep()
        deliveries.sweep()
        old = timezone.now() - timedelta(minutes=5)
        waiting = Alert.objects.filter(ended_at=None, acknowledged_at=None, made_at__lte=old)
        assert not waiting.filter(escalated_at=None).exists(), "nobody answered, and nobody else was told"
        stale = AlertDelivery.objects.filter(state=WorkState.SENDING, claimed_at__lt=old)
        assert not stale.exists(), "what a dead worker left is seen"

    @invariant()
    def nobody_hears_one_thing_twice(self):
        assert all(times == 1 for times in self.heard.values()), self.heard

    @invariant()
    def of_a_kind_one_is_open(self):
        for kind in KINDS:
            assert Alert.objects.filter(kind=kind, ended_at=None).count() <= 1

    @invariant()
    def the_end_is_heard_by_nobody_who_cannot_have_heard_the_beginning(self):
        told = {url for (url, subject) in self.heard if not subject.startswith("over")}
        ends = {url for (url, subject) in self.heard if subject.startswith("over")}
        assert ends <= told | self.doubtful


@pytest.mark.django_db
def test_alerts_under_any_order_of_events():
    run_state_machine_as_test(
        Alerting,
        settings=settings(
            max_examples=promised(60, 20),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
