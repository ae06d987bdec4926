"""Callbacks under any order of requests, duplicates, retries, agents' actions, lost answers and crashes.

The telephone network is a small world of its own: calls live there, end there, and are told of late, twice or never.
What is asserted is what that world saw: never two live calls to one number, never a call outside the hours, never an
agent with two; and that nobody who asked is forgotten.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.promised import promised
from tests.voice.phone_people import make_agent
from tickets.work import TransportError
from voice import callbacks, dialling, outcomes, supervision, unclear
from voice.models import Callback, Line
from voice.numbers import daytime

# New Jersey, and an Australian mobile, which may be anywhere there: few, so that most of it happens to one of them.
NUMBERS = ["+12015550123", "+61412345678"]
HOURS, LINE = (8, 20), "+12025550199"
# Seconds that an agent's phone rings and waits for a key: after that nobody can press 1 any more.
PATIENCE = 70
# Courses of events.
EXAMPLES = promised(150, 15)


class Crash(BaseException):
    """The process ends at this point."""


class World:
    """Twilio and everybody's phones."""

    def __init__(self):
        self.legs, self.news, self.how, self.numbers = [], [], "fine", count()

    def start_call(self, *, to, from_, url, status_callback):
        pk, attempt, *_ = url.split("/voice/callback/")[1].split("/")
        how, self.how = self.how, "fine"
        if how == "refused":
            raise TransportError("Twilio: no", permanent=True)
        if how == "crash before":
            raise Crash
        if how == "lost":
            raise TransportError("no answer", permanent=False, uncertain=True)
        row = Callback.objects.get(pk=pk)
        leg = {
            "sid": f"CA{next(self.numbers):032d}", "callback": row.pk, "attempt": int(attempt), "agent": row.agent_id,
            "phone": to, "number": row.number, "at": timezone.now(), "alive": True, "customer": "",
        }  # fmt: skip
        self.legs.append(leg)
        if how == "crash after":
            raise Crash
        if how == "answer lost":
            raise TransportError("no answer", permanent=False, uncertain=True)
        return leg["sid"]

    def end_call(self, sid):
        self._end(next(leg for leg in self.legs if leg["sid"] == sid))

    def call_status(self, sid):
        return "in-progress" if next(leg for leg in self.legs if leg["sid"] == sid)["alive"] else "completed"

    def call(self, sid):
        return self._shown(next(leg for leg in self.legs if leg["sid"] == sid))

    def calls(self, start, end, *, to):
        found = [self._shown(leg) for leg in self.legs if leg["phone"] == to and start <= leg["at"] <= end]
        return found + [
            {"sid": leg["sid"] + "c", "status": "in-progress", "to": to, "direction": "outbound-dial", "from_": LINE}
            for leg in self.legs
            if leg["number"] == to and leg["customer"] == "live"
        ]

    def calls_below(self, sid):
        leg = next(leg for leg in self.legs if leg["sid"] == sid)
        if not leg["customer"]:
            return []
        return [{"to": leg["number"], "status": leg["customer"]}]

    def texts(self, *args, **values):
        return []

    def _shown(self, leg):
        status = "in-progress" if leg["alive"] else "completed"
        return {"sid": leg["sid"], "status": status, "from_": LINE, "direction": "outbound-api", "to": leg["phone"]}

    def press_one(self, leg):
        leg["customer"] = "live"
        self.tell(leg, "connect", "in-progress")

    def customer_ends(self, leg, how):
        leg["customer"] = how
        self.tell(leg, "ended", how)
        self._end(leg)

    def _end(self, leg):
        if leg["alive"]:
            leg["alive"] = False
            if leg["customer"] == "live":
                leg["customer"] = "completed"
                self.tell(leg, "ended", "completed")
            self.tell(leg, "status", "completed")

    def hang_up(self, leg):
        self._end(leg)

    def tell(self, leg, step, status):
        self.news.append((leg["callback"], leg["attempt"], step, status))

    def grow_old(self):
        """An agent's phone does not ring for ever, and no call lasts longer than Twilio lets it."""
        for leg in self.legs:
            age = (timezone.now() - leg["at"]).total_seconds()
            if leg["alive"] and (age > PATIENCE if not leg["customer"] else age > 4 * 3600):
                self._end(leg)


class Callbacks(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.clock = time_machine.travel(datetime(2026, 3, 2, 15, 0, tzinfo=UTC), tick=False)
        self.time = self.clock.start()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world, self.asked = World(), {}
        patch.setattr(dialling, "telephone", lambda: self.world)
        patch.setattr(unclear, "telephone", lambda: self.world)

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        self.clock.stop()

    @initialize()
    def people(self):
        self.line = Line.objects.create(key="main", name="Support", number=LINE, languages=["en"])
        self.agents = [make_agent("ada"), make_agent("bob")]
        for place, agent in enumerate(self.agents):
            agent.agent_phone.number = f"+1202555011{place}"
            agent.agent_phone.save()
        self.asks(NUMBERS[0])

    # ── customers ──

    @rule(number=st.sampled_from(NUMBERS))
    def asks(self, number):
        callbacks.request(number, line=self.line, problem=None, arrival=None, happened_at=timezone.now())
        self.asked[number] = timezone.now()

    # ── agents and managers ──

    @rule(who=st.integers(0, 1), dials=st.booleans())
    def takes_the_next(self, who, dials):
        row = callbacks.next_for(self.agents[who])
        if row is not None and dials:
            self._dial(row, who, "fine", at_night=False)

    @rule(
        who=st.integers(0, 1),
        which=st.integers(0, 9),
        how=st.sampled_from(["fine", "fine", "fine", "refused", "lost", "answer lost", "crash before", "crash after"]),
        at_night=st.booleans(),
    )
    def calls(self, who, which, how, at_night):
        row = self._row(which)
        if row is None:
            return
        self._dial(row, who, how, at_night)

    @rule(who=st.integers(0, 1), which=st.integers(0, 9), how=st.sampled_from(["fine", "answer lost", "crash after"]))
    def calls_and_the_customer_answers(self, who, which, how):
        if (row := self._row(which)) is None:
            return
        before = len(self.world.legs)
        self._dial(row, who, how, at_night=False)
        for leg in self.world.legs[before:]:
            self.world.press_one(leg)

    def _dial(self, row, who, how, at_night):
        before, self.world.how = len(self.world.legs), how
        with suppress(dialling.Refused, Crash):
            dialling.call_now(row, self.agents[who], even_at_night=at_night)
        self.world.how = "fine"
        if len(self.world.legs) > before:
            day = daytime(row.number, timezone.now(), HOURS)
            assert day or (day is None and at_night), "called outside the hours"

    @rule(
        who=st.integers(0, 1),
        which=st.integers(0, 9),
        outcome=st.sampled_from(["no_answer", "no_answer", *sorted(outcomes.OUTCOMES)]),
    )
    def notes(self, who, which, outcome):
        if row := self._row(which):
            callbacks.note_outcome(row, self.agents[who], outcome)

    @rule(
        who=st.integers(0, 1),
        which=st.integers(0, 9),
        what=st.sampled_from(["cancel", "give back", "stop", "hand over"]),
    )
    def decides(self, who, which, what):
        row, agent = self._row(which), self.agents[who]
        if row is None:
            return
        if what == "cancel":
            callbacks.cancel(row, agent, "why not")
        elif what == "give back":
            callbacks.give_back(row, agent)
        elif what == "hand over":
            supervision.reassign(row, self.agents[1 - who], agent)
        else:
            with suppress(dialling.Refused):
                dialling.stop(row, agent)

    # ── the world ──

    @precondition(lambda self: any(leg["alive"] for leg in self.world.legs))
    @rule(which=st.integers(0, 9), how=st.sampled_from(["press", "press", "busy", "no-answer", "completed", "hang up"]))
    def happens(self, which, how):
        alive = [leg for leg in self.world.legs if leg["alive"]]
        leg = alive[which % len(alive)]
        if how == "hang up":
            self.world.hang_up(leg)
        elif how == "press" and not leg["customer"]:
            self.world.press_one(leg)
        elif how != "press" and leg["customer"] == "live":
            self.world.customer_ends(leg, how)

    @precondition(lambda self: self.world.news)
    @rule(which=st.integers(0, 20), keep=st.booleans(), lost=st.sampled_from([False, False, False, True]))
    def is_told(self, which, keep, lost):
        """In any order, again, or never."""
        place = which % len(self.world.news)
        told = self.world.news[place]
        if not keep:
            self.world.news.pop(place)
        if not lost:
            dialling.apply_leg(*told)

    # ── the watch and the clock ──

    @rule()
    def the_watch_looks(self):
        dialling.sweep()
        unclear.settle()

    @rule(seconds=st.sampled_from([5, 5, 5, 60, 60, 130, 130, 900, 900, 3600, 6 * 3600]))
    def time_passes(self, seconds):
        self.time.shift(timedelta(seconds=seconds))
        self.world.grow_old()

    def _row(self, which):
        rows = list(Callback.objects.filter(state__in=Callback.OPEN_STATES).order_by("pk"))
        return rows[which % len(rows)] if rows else None

    # ── what must hold ──

    @invariant()
    def never_two_live_calls_to_one_number(self):
        live = [leg["number"] for leg in self.world.legs if leg["customer"] == "live"]
        assert len(live) == len(set(live))

    @invariant()
    def nobody_is_forgotten(self):
        for number, at in self.asked.items():
            rows = Callback.objects.filter(number=number)
            standing = rows.filter(state__in=Callback.OPEN_STATES).exists()
            decided = rows.filter(done_at__gte=at).exclude(state__in=Callback.OPEN_STATES).exists()
            assert standing or decided, f"{number} is lost"

    @invariant()
    def one_open_callback_a_number(self):
        open_ = list(Callback.objects.filter(state__in=Callback.OPEN_STATES).values_list("number", flat=True))
        assert len(open_) == len(set(open_))


patch: pytest.MonkeyPatch


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_callbacks_hold_whatever_happens(monkeypatch, settings_of_calls):
    global patch
    patch = monkeypatch
    run_state_machine_as_test(
        Callbacks,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=50, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.fixture
def settings_of_calls(settings):
    settings.CALL_COUNTRIES, settings.CALL_HOURS, settings.CALLS_PER_SECOND = ["US", "GB", "AU"], HOURS, 1000
