"""Where detectors stand follows from the counts alone: restarts, crashes and second watches change no digit of it."""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.promised import promised
from tests.triage.surge.series import run
from tests.triage.surge.traffic import NOW, contacts, learned, tick
from tickets.models import Arrival
from triage.models import Checkpoint, Clock, LateCount, SeriesState, Surge
from triage.surge import clock, counts, follower, gaps, watching
from triage.surge import tick as ticking
from triage.surge.baseline import minute_of
from triage.surge.detector import time_of
from triage.surge.follower import detector_of, usable
from triage.surge.watching import Watching

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
HOURS = 4
# Minutes between two ticks.
EVERY = 3


@dataclass(frozen=True)
class Event:
    """A contact that happens at one time and is accepted at another."""

    accepted: datetime
    happened: datetime
    line: str


def world(seed: int, latest: int) -> list[Event]:
    """Four hours: some contacts a minute, a flood, and some that come up to `latest` minutes late."""
    dice, found = random.Random(seed), []
    for n in range(HOURS * 60):
        at = NOW + n * MINUTE
        for _ in range(dice.choice((0, 1, 2, 3)) + (25 if 60 <= n < 75 else 0)):
            happened = at + timedelta(seconds=dice.random() * 60)
            late = min(dice.choice((*[0] * 11, 7, 45, 110, 190)), latest)
            found.append(Event(happened + late * MINUTE, happened, dice.choice(("a", "b"))))
    return sorted(found, key=lambda one: one.accepted)


def accept(events: list[Event], since: datetime, until: datetime) -> None:
    for one in events:
        if since <= one.accepted < until:
            contacts([one.happened], line=one.line)


def standing(at: datetime) -> dict[str, str]:
    """The state of every detector after the last minute, from whatever rows there are."""
    watching = Watching()
    watching.begin(clock.read())
    upto = minute_of(counts.floor(at - ticking.WATERMARK) - MINUTE)
    names = sorted(watching.names)
    watching.load(names, upto)
    missing = gaps.between(NOW - timedelta(days=1), at)
    for name, one in watching.followers.items():
        one.follow(upto, missing.get(gaps.scope_of(name), ()), len(names), 10**6)
    return {name: json.dumps(watching.followers[name].detector.save(), sort_keys=True) for name in names}


def remembered(watching: Watching, at: datetime) -> dict[str, str]:
    """The same from what a process remembers."""
    upto = minute_of(counts.floor(at - ticking.WATERMARK) - MINUTE)
    missing = gaps.between(NOW - timedelta(days=1), at)
    for name, one in watching.followers.items():
        one.follow(upto, missing.get(gaps.scope_of(name), ()), len(watching.names), 10**6)
    return {name: json.dumps(one.detector.save(), sort_keys=True) for name, one in watching.followers.items()}


def surges() -> list[tuple]:
    return list(Surge.objects.order_by("began_at", "series").values_list("series", "began_at", "ended_at", "total"))


def never_stopped(events: list[Event], end: datetime) -> tuple[dict[str, str], list[tuple]]:
    watching, at = Watching(), NOW
    while at < end:
        accept(events, at, at + EVERY * MINUTE)
        at += EVERY * MINUTE
        tick(at + timedelta(seconds=25), watching)
    return remembered(watching, at + timedelta(seconds=25)), surges()


def disturbed(events: list[Event], end: datetime, seed: int, stops: bool) -> tuple[dict[str, str], list[tuple]]:
    """The same contacts, with watches that start anew, die in the middle of a tick, take turns, and stop a while."""
    dice, watches, at = random.Random(seed), [Watching(), Watching()], NOW
    down = 0
    while at < end:
        accept(events, at, at + EVERY * MINUTE)
        at += EVERY * MINUTE
        now = at + timedelta(seconds=25)
        down = down - 1 if down else dice.choice((*[0] * 10, 1, 7, 16)) * stops
        what = dice.choice(("a", "a", "a", "b", "a fresh one", "dies counting", "dies with the clock moved", "both"))
        if down and at < end:
            continue
        if what == "dies counting":
            counts.recount(now)
        elif what == "dies with the clock moved":
            counts.recount(now)
            ticking._move(clock.read(), counts.floor(now - ticking.WATERMARK) - MINUTE)
        elif what == "a fresh one":
            watches[0] = Watching()
        for watch in {"b": watches[1:], "both": watches}.get(what, watches[:1]):
            tick(now, watch)
    return standing(at + timedelta(seconds=25)), surges()


@pytest.fixture
def three_days():
    learned(3, arrivals=True)


@pytest.mark.parametrize(("seed", "stops"), [(0, True), *promised([(1, True), (2, False), (3, False)], [])])
def test_watches_that_stop_and_take_turns_come_to_the_state_of_one_that_never_stopped(three_days, seed, stops):
    """Corrections are learned when they become known; so while those come, somebody has to count all the time."""
    events, end = world(seed, 110 if stops else 190), NOW + timedelta(hours=HOURS)
    outcomes = []
    for way in (never_stopped, lambda *rest: disturbed(*rest, seed=seed, stops=stops)):
        with transaction.atomic():
            outcomes.append(way(events, end))
            late = LateCount.objects.count()
            transaction.set_rollback(True)
    assert late > 50
    (steady, steady_surges), (other, other_surges) = outcomes
    assert steady.keys() == other.keys() == {"all", "line:a", "line:b", "medium:phone"} | others()
    for series in steady:
        assert json.loads(steady[series]) == json.loads(other[series]), series
    assert steady_surges == other_surges
    assert any(series == "all" and ended for series, _, ended, _ in steady_surges)


def others() -> set[str]:
    return set(SeriesState.objects.values_list("series", flat=True))


def test_of_two_ticks_at_once_the_one_that_was_overtaken_writes_nothing(three_days, monkeypatch):
    first, second = Watching(), Watching()
    tick(NOW + 2 * MINUTE, first)
    real = ticking._look

    def overtaken(watching, at, upto, now):
        found = real(watching, at, upto, now)
        if watching is first:
            tick(NOW + 3 * MINUTE, second)
            contacts([NOW + 3 * MINUTE] * 3)
        return found

    monkeypatch.setattr(ticking, "_look", overtaken)
    turn = clock.read().turn
    tick(NOW + 3 * MINUTE + timedelta(seconds=5), first)
    assert clock.read().turn == second.turn != turn
    assert first.followers == {}, "what it fed and could not write is forgotten"


def test_a_correction_that_a_crash_left_behind_is_made_by_the_next_watch(three_days):
    before = standing(NOW + 3 * MINUTE)["all"]
    contacts([NOW - timedelta(minutes=30)] * 3)
    counts.recount(NOW + 2 * MINUTE)
    assert LateCount.objects.filter(series="all").get().more == 3
    tick(NOW + 3 * MINUTE, Watching())
    assert standing(NOW + 3 * MINUTE)["all"] != before


@pytest.mark.parametrize(
    ("minutes", "known", "late", "good"),
    [
        ([], 0, 0, True),
        # Not seen yet by the state: it is in the counts.
        ([5], 4, 0, True),
        # Seen by the state, which knows of it already.
        ([-5], 0, 9, True),
        ([-5], 0, 0, False),
        # Too late to be replayed: corrected, unless it is a whole past.
        ([-121], 0, 0, True),
        ([-121 - n for n in range(follower.HISTORY)], 0, 0, False),
        ([-121 - n for n in range(follower.HISTORY - 1)], 0, 0, True),
    ],
)
def test_which_state_can_be_gone_on_from(minutes, known, late, good):
    state = 1_000_000
    rows = [
        LateCount(pk=n + 1, series="all", minute=time_of(state + at), known=time_of(state + known), more=1)
        for n, at in enumerate(minutes)
    ]
    assert usable(state, late, rows) is good


def many(number: int, per_day: float = 60) -> None:
    """So many lines with so many contacts a day each, in the state of ones that have seen ten days."""
    for names, rate in (
        (["all", "medium:phone"], per_day * number),
        ([f"line:{n}" for n in range(number)], per_day),
    ):
        state = run(10, per_day=rate, start=NOW - timedelta(days=10)).detector.save()
        last = time_of(state["minute"])
        SeriesState.objects.bulk_create([SeriesState(series=name, minute=last, state=state) for name in names])
    Clock.objects.update_or_create(name=clock.NAME, defaults={"minute": last, "turn": "made"})


def queries_of(at: datetime, watching: Watching) -> int:
    with CaptureQueriesContext(connection) as seen:
        tick(at, watching)
    return len(seen)


def test_a_new_minute_takes_as_many_queries_for_many_series_as_for_few():
    many(30, per_day=300)
    watching, most = Watching(), {}
    tick(NOW + MINUTE, watching)
    for busy in (10, 30):
        spent = []
        for _ in range(6):
            at = clock.read().minute + 2 * MINUTE
            for line in range(busy):
                contacts([at], line=str(line))
            spent.append(queries_of(at + MINUTE + timedelta(seconds=25), watching))
        most[busy] = max(spent)
    assert not Surge.objects.exists()
    assert most[30] <= most[10] + 2, most


@pytest.fixture
def thirty_lines(monkeypatch):
    """Watched from memory, and so many that they do not all go on in one tick."""
    monkeypatch.setattr(watching, "PIECE", 4)
    many(30, per_day=300)
    found = Watching()
    for second in range(12):
        tick(NOW + timedelta(seconds=25 + second), found)
    assert len(found.followers) == 32
    return found


def gone_on(found: Watching) -> int:
    """How many have seen the newest minute."""
    return sum(follower.detector.minute == found.upto for follower in found.followers.values())


def test_the_work_of_a_minute_is_spread_over_the_ticks_in_it(thirty_lines):
    for minute in range(1, 4):
        at = NOW + minute * MINUTE
        for line in range(30):
            contacts([at + timedelta(seconds=3)], line=str(line))
        seen = []
        for n in range(6):
            tick(at + MINUTE + timedelta(seconds=20 + 10 * n), thirty_lines)
            seen.append(gone_on(thirty_lines))
        assert seen == [2, 8, 14, 20, 26, 32]


def test_nobody_waits_longer_than_a_minute_however_seldom_it_ticks(thirty_lines):
    last = []
    for minute in range(1, 6):
        at = NOW + minute * MINUTE
        for line in range(30):
            contacts([at + timedelta(seconds=3)], line=str(line))
        tick(at + MINUTE + timedelta(seconds=20), thirty_lines)
        last.append(min(one.detector.minute for one in thirty_lines.followers.values()) - thirty_lines.upto)
    assert min(last[1:]) >= -1


def test_a_line_that_waits_for_its_turn_is_seen_to_surge_within_the_minute(thirty_lines):
    start = NOW + MINUTE
    contacts([start + timedelta(seconds=2 * n) for n in range(60)], line="29")
    for n in range(17):
        tick(start + timedelta(seconds=20 + 10 * n), thirty_lines)
    assert Surge.objects.filter(series="line:29", level=Surge.Level.PAGE).exists()


def test_a_tick_in_which_many_surges_begin_takes_as_many_queries_as_with_one():
    many(30, per_day=300)
    spent = {}
    for busy in (1, 30):
        with transaction.atomic():
            watching = Watching()
            tick(NOW + MINUTE, watching)
            for line in range(busy):
                times = [NOW + MINUTE + n * timedelta(seconds=0.05) for n in range(line, 3000, busy)]
                contacts(times, line=str(line))
            counts.recount(NOW + 4 * MINUTE)
            spent[busy] = queries_of(NOW + 4 * MINUTE + timedelta(seconds=25), watching)
            assert Surge.objects.filter(series__startswith="line:").count() == busy
            transaction.set_rollback(True)
    assert spent[1] == spent[30]


def test_the_state_of_a_line_is_written_when_its_surge_begins_now_and_then_and_when_it_is_over():
    many(30, per_day=300)
    watching, ratios, minutes, on = Watching(), [], [], []
    contacts([NOW + n * timedelta(seconds=4) for n in range(15, 15 * 25)], line="7")
    for n in range(1, 61):
        tick(NOW + n * MINUTE + timedelta(seconds=25), watching)
        state = SeriesState.objects.get(series="line:7")
        ratios.append(state.ratio)
        minutes.append(state.minute)
        on.append(Surge.objects.filter(series="line:7", ended_at=None).exists())
    assert max(ratios) > 20
    assert on.count(True) > 20
    assert len(set(ratios)) <= on.count(True) / ticking.PARTS + 4
    over = on.index(False, on.index(True))
    assert minutes[over] == NOW + over * MINUTE, "its end is news"
    assert ratios[over] < 2


def test_a_tick_costs_what_is_new_and_not_what_is_watched(monkeypatch):
    """Minutes fed: of the lines in which something came, of what pages, and of quiet ones a fifteenth each minute."""
    many(150)
    watching, stepped = Watching(), []
    for n in range(3):
        tick(NOW + MINUTE + timedelta(seconds=n), watching)
    assert len(watching.followers) == 152
    real = follower.Follower.follow

    def follow(self, *rest):
        stepped.append(self.series)
        return real(self, *rest)

    monkeypatch.setattr(follower.Follower, "follow", follow)
    contacts([NOW + MINUTE], line="7")
    tick(NOW + 2 * MINUTE + timedelta(seconds=25), watching)
    assert {"all", "medium:phone", "line:7"} <= set(stepped)
    assert len(stepped) < 40
    for n in range(3, 19):
        tick(NOW + n * MINUTE + timedelta(seconds=25), watching)
    assert set(stepped) >= {f"line:{n}" for n in range(150)}
    stepped.clear()
    tick(NOW + 18 * MINUTE + timedelta(seconds=35), watching)
    assert stepped == []


def test_a_checkpoint_is_gone_on_from_as_the_row_gives_it_back(three_days):
    for n in range(1, 62):
        tick(NOW + n * MINUTE, Watching()) if n % 20 == 1 else None
    row = SeriesState.objects.get(series="all")
    newest = Checkpoint.objects.filter(series="all").latest("minute")
    assert row.state == json.loads(newest.state)
    assert row.state == detector_of(row.state).save()


def test_old_checkpoints_and_late_counts_go(three_days):
    contacts([NOW - timedelta(minutes=30)])
    tick(NOW + MINUTE, Watching())
    assert LateCount.objects.exists()
    Clock.objects.update(minute=NOW + timedelta(days=3))
    assert clock.forget() > 0
    assert not LateCount.objects.exists()
    tick(NOW + timedelta(days=4), Watching())
    kept = Checkpoint.objects.filter(minute__lte=NOW + timedelta(days=4) - timedelta(minutes=follower.KEPT + 180))
    assert not kept.exists()
    assert Arrival.objects.exists()
