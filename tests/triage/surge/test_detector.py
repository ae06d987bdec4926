"""The detector against invented series: what it must see, what it must not, and the traps of real data."""

import json
import random
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.triage.surge.series import MONDAY, draw, during, offset, run, run_on
from triage.surge.detector import Detector
from triage.surge.quarters import Cell, minute_of

THIRD_TUESDAY = MONDAY + timedelta(days=15, hours=10)
NIGHT = MONDAY + timedelta(days=15, hours=3)


@pytest.mark.parametrize(
    ("begins", "factor", "minutes", "within"),
    [
        (THIRD_TUESDAY, 100, 4, 2),
        (THIRD_TUESDAY, 10, 240, 6),
        (THIRD_TUESDAY, 5, 240, 30),
        (THIRD_TUESDAY, 3, 600, 240),
        (NIGHT, 100, 60, 10),
        (NIGHT, 10, 300, 120),
    ],
)
def test_a_surge_is_seen_in_time_once_and_its_true_end_is_found(begins, factor, minutes, within):
    ran = run(17, after=14, times=during(begins, minutes, factor))
    assert len(ran.starts()) == 1
    assert 0 <= (ran.starts()[0] - begins) / timedelta(minutes=1) < within
    (episode,) = ran.episodes
    assert abs(offset(episode.began, begins)) <= max(5, within // 2)
    assert abs(offset(episode.ended, begins + timedelta(minutes=minutes))) <= 15
    assert factor / 2 < episode.peak < factor * 3


@pytest.mark.parametrize(("per_day", "least"), [(200, 27), (60, 20)])
def test_a_mild_surge_in_a_quiet_series_is_seen(per_day, least):
    """Two and a half times the usual for four hours: at 60 a day, 9 of 30 would be seen if it were not eased."""
    usual = run(35.4, per_day=per_day, after=35).detector
    seen = [run_on(deepcopy(usual), 35.4, 35.57, lambda at: 2.5, per_day, seed).starts() for seed in range(30)]
    assert sum(map(bool, seen)) >= least
    ordinary = [run_on(deepcopy(usual), 35.4, 35.57, lambda at: 1.0, per_day, seed).starts() for seed in range(30)]
    assert not any(ordinary)


@pytest.mark.parametrize("per_day", [30, 300, 1000, 5000])
def test_ordinary_weeks_are_no_surge(per_day):
    assert run(35, per_day=per_day, detector=Detector(UTC, ceiling=5 * per_day)).events == []


def test_three_days_at_a_hundredfold_are_one_surge_and_teach_nothing():
    begins, lasts = THIRD_TUESDAY, 3 * 1440
    ran = run(21, after=14, times=during(begins, lasts, 100))
    assert len(ran.starts()) == 1
    assert ran.starts()[0] - begins < timedelta(minutes=3)
    (episode,) = ran.episodes
    ends = begins + timedelta(minutes=lasts)
    assert abs(offset(episode.ended, ends)) <= 10
    (declared,) = [at for at, event in ran.events if event == "end"]
    assert declared - ends <= timedelta(minutes=50)
    spared = run(21, after=14)
    week = MONDAY + timedelta(days=22)
    with_surge, without = (sum(m for m, _, _ in one.detector.expect(week, 60, 168)) for one in (ran, spared))
    assert with_surge == pytest.approx(without, rel=0.02)


def test_what_was_learned_of_a_surge_before_it_was_seen_is_taken_back():
    detector = run(15.42, after=14).detector
    day = MONDAY + timedelta(days=22, hours=8)
    before = detector.expect(day, 240, 1)[0][0]
    began = detector.minute + 1
    risen = run_on(detector, 15.42, 15.55, lambda at: 1.4)
    assert risen.events == []
    assert detector.expect(day, 240, 1)[0][0] > 1.02 * before
    detector.baseline.unlearn(began, UTC)
    assert detector.expect(day, 240, 1)[0][0] == pytest.approx(before, rel=0.005)


def shop(at, count):
    """Open on weekdays from 8 to 18, a thousand a day, and nobody at all outside of that."""
    return count if 8 <= at.hour < 18 and at.weekday() < 5 else 0


def shop_of(zone):
    return lambda at, count: shop(at.astimezone(zone), count)


def test_a_surge_goes_on_while_doors_are_closed_for_the_night():
    ran = run(24, after=0, per_day=2000, counts=shop, times=during(THIRD_TUESDAY, 2 * 1440, 20))
    assert [event for _, event in ran.events] == ["start", "end"]
    assert ran.starts()[0] - THIRD_TUESDAY < timedelta(minutes=3)
    assert abs(offset(ran.episodes[0].ended, THIRD_TUESDAY + timedelta(days=2))) <= 10


def test_a_surge_that_ends_with_the_day_is_over_the_next_morning():
    ran = run(18, after=0, per_day=2000, counts=shop, times=during(THIRD_TUESDAY, 8 * 60, 20))
    assert [event for _, event in ran.events] == ["start", "end"]
    assert ran.events[1][0] <= THIRD_TUESDAY + timedelta(hours=22, minutes=50)


def test_two_surges_two_days_apart_are_two_and_a_pause_of_an_hour_is_none():
    second = THIRD_TUESDAY + timedelta(days=2)
    far = run(19, after=14, times=lambda at: max(during(THIRD_TUESDAY, 60, 30)(at), during(second, 60, 30)(at)))
    assert [event for _, event in far.events] == ["start", "end", "start", "end"]
    again = THIRD_TUESDAY + timedelta(minutes=120)
    near = run(17, after=14, times=lambda at: max(during(THIRD_TUESDAY, 60, 30)(at), during(again, 60, 30)(at)))
    assert [event for _, event in near.events] == ["start", "end", "resume", "end"]
    assert near.episodes[-1] is near.episodes[0]


def test_a_series_that_is_always_zero_says_nothing():
    ran = run(15, counts=lambda at, count: 0)
    assert ran.events == []
    assert ran.last.expected < 0.01


def test_the_first_day_pages_only_above_the_operators_ceiling():
    begins = MONDAY + timedelta(hours=10)
    assert run(1, times=during(begins, 120, 5)).events == []
    flooded = run(1, times=during(begins, 120, 100))
    assert [event for _, event in flooded.events] == ["start", "end"]


def test_a_busy_series_does_not_page_again_and_again_in_its_first_week():
    assert len(run(7, per_day=20_000).starts()) <= 1


@pytest.mark.parametrize("minutes_before", [0, 5, 60])
def test_a_series_that_is_busy_when_it_is_first_watched_has_not_begun_with_a_surge(minutes_before):
    begins = MONDAY + timedelta(hours=10, minutes=-minutes_before)
    assert run(0.25, per_day=25_000, start=begins).starts() == []


@pytest.mark.parametrize("times", [3.5, 10])
def test_a_series_that_is_first_watched_in_the_middle_of_a_flood_pages_far_above_the_operators_ceiling(times):
    begins = MONDAY + timedelta(hours=10)
    ran = run(0.1, per_day=100, detector=Detector(UTC, ceiling=100), start=begins, counts=lambda at, count: 7 * times)
    assert len(ran.starts()) == 1
    assert ran.starts()[0] - begins < timedelta(minutes=15)


@pytest.mark.parametrize("weekday", range(7))
def test_after_three_days_a_tenfold_surge_is_seen_whatever_the_days_were(weekday):
    begins = MONDAY + timedelta(days=weekday + 3, hours=10)
    ran = run(3.5, start=MONDAY + timedelta(days=weekday), times=during(begins, 120, 10))
    assert len(ran.starts()) == 1
    assert timedelta() <= ran.starts()[0] - begins <= timedelta(minutes=15)


def test_one_clump_never_pages():
    ran = run(17, after=14, counts=lambda at, count: 400 if at == THIRD_TUESDAY else count)
    assert ran.events == []


@pytest.mark.parametrize("split", [0.0, 0.5])
def test_a_feed_polled_every_five_minutes_is_no_surge(split):
    """Its batches lie in one minute, or half in the next."""
    held, dice = [0], random.Random(3)

    def polled(at, count):
        held.append(count)
        if at.minute % 5 > (1 if split else 0):
            return 0
        total = sum(held)
        now = total if at.minute % 5 else sum(dice.random() > split for _ in range(total))
        held[:] = [total - now]
        return now

    assert run(28, counts=polled).events == []


@pytest.mark.parametrize("hours", [1, 8, 14])
def test_a_gap_with_a_catch_up_is_no_surge_and_teaches_no_silence(hours):
    gap = during(THIRD_TUESDAY - timedelta(hours=hours - 2), hours * 60, 0)
    held = []

    def cut(at, count):
        if gap(at) == 0:
            held.append(count)
            return 0
        total = count + sum(held)
        held.clear()
        return total

    ran = run(17, after=14, counts=cut)
    assert ran.events == []
    day = MONDAY + timedelta(days=22)
    (kept, *_), (usual, *_) = (one.detector.expect(day, 1440, 1)[0] for one in (ran, run(17, after=14)))
    assert kept == pytest.approx(usual, rel=0.1)


def test_a_cut_feed_is_told_as_silent():
    assert run(15.6, after=14, counts=lambda at, count: 0 if at >= THIRD_TUESDAY else count).last.silent


def test_closing_for_the_night_and_the_weekend_is_not_silence_and_is_learned():
    silent = []
    detector = Detector(UTC)
    for n in range(24 * 1440):
        at = MONDAY + timedelta(minutes=n)
        # Doors close in the middle of a quarter of an hour, as the bank's do.
        open_now = at.weekday() < 5 and 8 * 60 <= at.hour * 60 + at.minute < 21 * 60 + 5
        if detector.step(at, 20 if open_now else 0).silent and n > 14 * 1440:
            silent.append(at)
    assert silent == []
    for days in (25.95, 26.5):
        minute = minute_of(MONDAY + timedelta(days=days))
        assert detector.baseline.outlook(minute - minute % 15, UTC).closed


def test_a_lull_in_the_first_week_is_learned_and_the_same_hour_is_known_a_week_later():
    lull = MONDAY + timedelta(days=5, hours=17)
    ran = run(13, times=during(lull - timedelta(minutes=5), 25, 0))
    flood = MONDAY + timedelta(days=12, hours=17)
    again = minute_of(flood)
    assert ran.detector.baseline.knows(again, Cell.at(again, UTC))


def test_minutes_without_a_heartbeat_are_neither_judged_nor_learned():
    ran = run(
        17, after=14, counts=lambda at, count: None if at.hour < 12 and at >= MONDAY + timedelta(days=14) else count
    )
    assert ran.events == []
    day = MONDAY + timedelta(days=22)
    (kept, *_), (usual, *_) = (one.detector.expect(day, 720, 1)[0] for one in (ran, run(17, after=14)))
    assert kept == pytest.approx(usual, rel=0.1)


def test_opening_hours_with_sharp_edges_are_no_surge():
    dice = random.Random(5)

    def shop(at, count):
        return draw(1.5 if 8 <= at.hour < 18 and at.weekday() < 5 else 0.01, dice)

    assert run(35, counts=shop).events == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("start", [datetime(2026, 10, 12, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)])
def test_changing_the_clocks_is_no_surge_in_autumn_and_in_spring(zone, start):
    ran = run(31, zone=ZoneInfo(zone), start=start, counts=shop_of(ZoneInfo(zone)))
    assert ran.events == []
    day = start + timedelta(days=32)
    noon, night = (day.astimezone(ZoneInfo(zone)).replace(hour=hour, minute=15) for hour in (8, 7))
    assert ran.detector.expect(noon, 15, 1)[0][0] > 20 * ran.detector.expect(night, 15, 1)[0][0]


def test_a_holiday_and_the_busy_day_after_are_no_surge():
    def times(at):
        return {15: 0.3, 16: 1.3}.get((at - MONDAY).days, 1.0)

    assert run(21, after=14, times=times).events == []


def test_a_permanent_step_is_learned():
    ran = run(42, after=14, times=lambda at: 1.5 if at >= MONDAY + timedelta(days=14) else 1.0)
    assert len(ran.starts()) <= 1
    noon = MONDAY + timedelta(days=43, hours=12)
    assert ran.detector.expect(noon, 60, 1)[0][0] == pytest.approx(1.5 * 24 / 289 * 1000 * 7 / 5.9, rel=0.35)


def test_growth_that_lasts_is_learned_however_large_it_is():
    """What is far above the usual weighs little, but never nothing, and a surge that lasts for weeks is no surge."""
    ran = run(77, after=14, times=lambda at: 4.0 if at >= MONDAY + timedelta(days=14) else 1.0)
    assert len(ran.starts()) == 1
    noon = MONDAY + timedelta(days=78, hours=12)
    assert ran.detector.expect(noon, 60, 1)[0][0] == pytest.approx(4 * 24 / 289 * 1000 * 7 / 5.9, rel=0.35)


def test_a_notice_is_given_once_and_nobody_is_paged():
    ran = run(17, after=14, times=during(THIRD_TUESDAY, 30, 2.5))
    assert ran.events == []
    assert len(ran.notices) == 1


def test_what_a_manager_dismisses_is_learned_and_does_not_page_again_but_more_of_it_does():
    lasting = lambda at: 4.0 if at >= THIRD_TUESDAY else 1.0  # noqa: E731
    ran = run(15.5, after=14, times=lasting)
    assert ran.detector.episode
    ran.detector.dismiss(ran.detector.minute)
    assert ran.detector.episode is None
    state = json.loads(json.dumps(ran.detector.save()))
    assert Detector.load(state, UTC).allowance == ran.detector.allowance
    after = run_on(ran.detector, 15.5, 16.4, lasting)
    assert after.events == []
    next_week = THIRD_TUESDAY + timedelta(days=7, hours=3)
    usual = run(15.4, after=14).detector.expect(next_week, 60, 1)[0][0]
    assert ran.detector.expect(next_week, 60, 1)[0][0] > 1.3 * usual
    worse = run_on(ran.detector, 16.4, 16.5, lambda at: 40.0)
    assert len(worse.starts()) == 1


def test_a_dismissal_is_forgotten_when_what_was_dismissed_is_over():
    ran = run(15.5, after=14, times=during(THIRD_TUESDAY, 600, 4.0))
    ran.detector.dismiss(ran.detector.minute)
    run_on(ran.detector, 15.5, 16.42, during(THIRD_TUESDAY, 180, 4.0))
    assert ran.detector.allowance is None
    again = run_on(ran.detector, 16.42, 16.6, lambda at: 4.0)
    assert len(again.starts()) == 1


def test_dismissing_nothing_changes_nothing():
    detector = run(15.5, after=14).detector
    before = detector.save()
    detector.dismiss(detector.minute)
    assert detector.save() == before


def test_what_a_manager_declares_is_a_surge_from_then_on_and_out_of_what_was_learned():
    mild = during(THIRD_TUESDAY, 300, 1.4)
    ran = run(15.5, after=14, times=mild)
    assert ran.events == []
    episode = ran.detector.declare(minute_of(THIRD_TUESDAY), ran.detector.minute)
    assert (episode.began, episode.by_hand) == (minute_of(THIRD_TUESDAY), True)
    assert episode.total > episode.expected > 0
    after = run_on(ran.detector, 15.5, 17, mild)
    assert [event for _, event in after.events] == ["end"]
    assert timedelta(minutes=59) <= after.events[0][0] - (MONDAY + timedelta(days=15.5))
    next_week = THIRD_TUESDAY + timedelta(days=7)
    kept, usual = (one.detector.expect(next_week, 300, 1)[0][0] for one in (ran, run(17, after=14)))
    assert kept == pytest.approx(usual, rel=0.03)


def test_declaring_takes_an_open_surge_back_to_its_beginning():
    ran = run(15.45, after=14, times=during(THIRD_TUESDAY, 300, 10))
    found = ran.detector.episode
    before = found.total
    again = ran.detector.declare(minute_of(THIRD_TUESDAY) - 60, ran.detector.minute)
    assert again is found
    assert again.began == minute_of(THIRD_TUESDAY) - 60
    assert again.total > before


def test_a_state_of_an_earlier_version_keeps_what_was_learned():
    detector = run(15.5, after=14).detector
    state = detector.save()
    state["quarter"], state["five"] = [3.0, 5.0, 2.0], [0.0, 0.0]
    state["excursions"] = [{"s": 0.0, "n": 0.0, "m": 0.0, "most": 0.0, "most_m": 0.0, "t": 0.0, "began": 0}] * 4
    for name in ("allowance", "noticed", "rested"):
        del state[name]
    for name in ("recent", "batches", "block", "day", "most"):
        del state["baseline"][name]
    loaded = Detector.load(state, UTC)
    day = MONDAY + timedelta(days=16)
    kept, known = (one.expect(day, 1440, 1)[0][0] for one in (loaded, detector))
    assert kept == pytest.approx(known, rel=0.02)


def test_the_baseline_is_saved_alike_within_a_quarter_of_an_hour():
    """Whoever keeps it apart need not write it every minute."""
    detector = run(15.5, after=14).detector
    saved = set()
    for n in range(15):
        detector.step(MONDAY + timedelta(days=15.5, minutes=n), 3)
        saved.add(json.dumps(detector.save()["baseline"]))
    assert len(saved) == 1


def test_the_state_goes_through_json_in_the_middle_of_anything():
    times = during(THIRD_TUESDAY, 90, 20)
    halfway = run(15.43, after=14, times=times)
    assert halfway.detector.episode
    state = json.loads(json.dumps(halfway.detector.save()))
    loaded = Detector.load(state, UTC)
    assert loaded.save() == halfway.detector.save()
    at, last = MONDAY + timedelta(days=15.43), None
    for n in range(60):
        one = halfway.detector.step(at + timedelta(minutes=n), 2)
        last = loaded.step(at + timedelta(minutes=n), 2)
        # Six digits of each cell are kept.
        assert (one.event, one.score) == (last.event, pytest.approx(last.score, rel=1e-4))
        assert one.expected == pytest.approx(last.expected, rel=1e-4)


def test_minutes_come_in_order():
    ran = run(0.1)
    with pytest.raises(ValueError):
        ran.detector.step(MONDAY, 1)


@pytest.mark.parametrize(
    ("minutes", "seen"),
    [
        ([(70, 1.0), (9, 0.1)], True),
        ([(70, 1.0)], False),
        ([(3, 1.0), (1, 0.5)], False),
        ([(6, 1.0), (5, 0.5)], False),
        ([(40, 1.0), (0, 0.5)], False),
    ],
)
def test_a_glance_sees_only_what_is_beyond_doubt_and_changes_nothing(minutes, seen):
    detector = run(15.42, after=14).detector
    before = detector.save()
    at = MONDAY + timedelta(days=15.42)
    at = at.replace(second=0, microsecond=0)
    running = [(at + timedelta(minutes=n), count, share) for n, (count, share) in enumerate(minutes)]
    assert (detector.glance(running) is not None) is seen
    assert detector.save() == before
