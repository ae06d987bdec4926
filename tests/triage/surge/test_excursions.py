"""Where a surge truly ended: sharp after a steep end whatever clump follows, and not before a tail is over."""

import json
import math
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from tests.triage.surge.series import MONDAY, Factor, during, offset, run, run_on
from triage.surge.detector import Detector
from triage.surge.excursions import Episode, Excursion
from triage.surge.outlook import Outlook

DAY = MONDAY + timedelta(days=15, hours=11)
NIGHT = MONDAY + timedelta(days=15, hours=2)
HOURS = timedelta(hours=1)


def falling(start: datetime, ends: datetime, factor: float, tail: float, course: Callable[[float], float]) -> Factor:
    """`factor` until `ends`, then down to 1 within `tail` minutes: `course` of the share of them that is left."""

    def times(at: datetime) -> float:
        if not start <= at < ends + timedelta(minutes=tail):
            return 1.0
        return course(min(1 - (at - ends) / timedelta(minutes=tail), 1.0)) if at >= ends else factor

    return times


def straight(left: float) -> float:
    return 1 + 99 * left


def by_halves(left: float) -> float:
    return 100**left


def step_by_step(left: float) -> float:
    return 30 if left > 0.75 else 8 if left > 0.5 else 3


# Until when, at which course and in how many minutes it falls, when it is over, and how far off the estimate may be in
# the median and at worst.
ENDS = [
    pytest.param(DAY, None, 0, 0, 1, 3, id="abrupt, by day"),
    pytest.param(NIGHT, None, 0, 0, 3, 10, id="abrupt, by night"),
    pytest.param(DAY, straight, 60, 59, 4, 15, id="a straight fall within an hour"),
    pytest.param(DAY, by_halves, 120, 102, 15, 40, id="by halves within two hours"),
    pytest.param(DAY, step_by_step, 240, 240, 3, 15, id="step by step, threefold for two hours"),
]


@pytest.mark.parametrize(("ends", "course", "tail", "over", "typically", "most"), ENDS)
def test_the_true_end_of_a_hundredfold_surge_is_found(ends, course, tail, over, typically, most):
    times = falling(ends - 3 * HOURS, ends, 100, tail, course) if course else during(ends - 3 * HOURS, 180, 100)
    usual = run(14, after=14).detector
    off = []
    for seed in range(8):
        ran = run_on(deepcopy(usual), 14, 15.9, times, seed=seed)
        assert [event for _, event in ran.events] == ["start", "end"]
        off.append(abs(offset(ran.episodes[0].ended, ends + timedelta(minutes=over))))
    assert median(off) <= typically
    assert max(off) <= most


def test_arrivals_in_clumps_do_not_move_the_end():
    dice = random.Random(4)

    def clumped(at: datetime, count: int) -> int:
        return sum(dice.choice((1, 1, 3)) for _ in range(count))

    usual = run(14, per_day=300, counts=clumped).detector
    off = []
    for seed in range(8):
        times = during(NIGHT - 3 * HOURS, 180, 100)
        start = MONDAY + timedelta(days=14)
        ran = run(1.9, start=start, per_day=300, detector=deepcopy(usual), counts=clumped, times=times, seed=seed)
        assert len(ran.starts()) == 1
        off.append(abs(offset(ran.episodes[-1].ended, NIGHT)))
    assert median(off) <= 3
    assert max(off) <= 15


QUIET = 0.1
SINGLE = Outlook(QUIET, QUIET, QUIET, QUIET, 1.0, 0.03, 0.0, 1.0, 1.0, known=True)


def follow(episode: Episode, first: int, counts: list[int]) -> None:
    for minute, count in enumerate(counts, first):
        episode.add(minute, count, QUIET)
        episode.find_end(SINGLE)


@pytest.mark.parametrize(
    ("after", "last"),
    [
        ([0] * 60, 99),
        # Two stragglers are chance, and so are three within half an hour.
        ([1, 0, 0, 1] + [0] * 60, 99),
        ([0] * 9 + [1] + [0] * 9 + [2] + [0] * 60, 99),
        # Six times the usual for half an hour is not.
        (([1, 0, 1, 0, 1] * 6) + [0] * 60, 129),
        # Nor is three times the usual for two hours.
        (([0, 0, 1, 0, 0, 1, 0, 0, 0, 1] * 12) + [0] * 60, 219),
    ],
)
def test_what_follows_a_steep_end_belongs_to_it_when_it_is_no_chance(after, last):
    episode = Episode(-3, 0, 20, 0.3)
    episode.begin(0)
    follow(episode, 1, [10] * 99 + after)
    # The end of a mild tail is known to some minutes.
    assert last - 10 <= episode.last <= last if last > 99 else episode.last == last


def test_a_surge_that_begins_again_milder_has_its_own_end():
    again = DAY + timedelta(minutes=80)
    usual = run(14, after=14).detector
    times = lambda at: max(during(DAY - 3 * HOURS, 180, 100)(at), during(again, 120, 5)(at))  # noqa: E731
    ran = run_on(usual, 14, 15.9, times)
    assert [event for _, event in ran.events] == ["start", "end", "resume", "end"]
    assert abs(offset(ran.episodes[-1].ended, again + 2 * HOURS)) <= 10


def test_what_is_found_to_have_begun_earlier_ends_no_later():
    episode = Episode(-3, 0, 20, 0.3)
    episode.begin(0)
    follow(episode, 1, [10] * 99 + [0] * 10)
    ratio, since = episode.ratio(), episode.total - episode.last_total
    episode.begin_earlier(-63, 100, 6.0)
    follow(episode, 110, [0])
    assert (episode.began, episode.last, episode.total - episode.last_total) == (-63, 99, since)
    assert episode.ratio() < ratio


def test_a_surge_saved_by_an_earlier_version_goes_on_and_ends():
    usual = run(14, after=14).detector
    times = during(DAY - 3 * HOURS, 180, 100)
    halfway = run_on(usual, 14, 15.42, times).detector
    state = json.loads(json.dumps(halfway.save()))
    del state["episode"]["crests"]
    state["episode"] |= {"gain": 1e4, "best_gain": 1e4}
    ran = run_on(Detector.load(state, UTC), 15.42, 15.9, times)
    assert [event for _, event in ran.events] == ["end"]
    assert abs(offset(ran.episodes[0].ended, DAY)) <= 3


def test_where_a_surge_may_have_ended_is_saved():
    episode = Episode(-3, 0, 20, 0.3)
    episode.begin(0)
    follow(episode, 1, [10] * 20)
    assert Episode(**json.loads(json.dumps(asdict(episode)))) == episode


@pytest.mark.parametrize("clumping", [1.0, 3.0])
def test_what_comes_where_nothing_is_expected_has_a_finite_score(clumping):
    """A minute that has just begun expects nothing yet."""
    excursion = Excursion()
    for minute in (1, 2):
        excursion.add(minute, 6, 0.0, 2)
    assert 0 < excursion.score(SINGLE._replace(clumping=clumping), worth=1.2) < math.inf


@pytest.mark.parametrize("minutes", [6, 60, 600])
def test_a_brief_excursion_needs_more_than_one_that_lasts(minutes):
    """As many times more stretches of a year are as brief; what is worth more in a quiet series is not asked for it."""
    excursion = Excursion(s=1.0, n=40.0, m=8.0, most=3.0, next=3.0, t=minutes)
    evidence = SINGLE.evidence(40, 8, minutes)
    assert excursion.score(SINGLE) == pytest.approx(evidence - 0.4 * math.log(720 / minutes))
    assert excursion.score(SINGLE, worth=2.0) == pytest.approx(2 * SINGLE.evidence(34, 8, minutes))


def test_excursions_of_other_multiples_that_were_saved_begin_anew():
    ran = run(15.5, after=14, times=during(DAY, 30, 2.5))
    state = json.loads(json.dumps(ran.detector.save()))
    state["excursions"].append(state["excursions"][0])
    loaded = Detector.load(state, UTC)
    assert loaded.excursions == [Excursion() for _ in ran.detector.excursions]
    again = run_on(loaded, 15.5, 15.7, lambda at: 10.0)
    assert len(again.starts()) == 1
