"""What was learned of the week is one block of numbers; what an earlier version saved of it goes on."""

import json
import sys
from datetime import UTC

import pytest

from tests.triage.surge.series import run
from triage.surge.cells import HOURS, Cells
from triage.surge.detector import Detector


def test_a_cell_is_there_once_something_was_seen_of_it():
    cells = Cells()
    cells.add(671, 3.0, 15.0)
    cells.add(HOURS, 2.0, 15.0)
    cells.add(HOURS, 1.0, 15.0)
    assert (cells.get(671), cells.get(HOURS), cells.get(HOURS + 1)) == ((3.0, 15.0), (3.0, 30.0), (0.0, 0.0))
    assert (HOURS in cells, HOURS + 1 in cells) == (True, False)
    assert Cells.load(json.loads(json.dumps(cells.save()))) == cells


def test_a_state_with_pairs_by_name_goes_on_as_the_same():
    detector = run(8, per_day=300).detector
    state = json.loads(json.dumps(detector.save()))
    numbers = state["baseline"]["cells"]
    names = [f"{level}{n}" for level, most in (("q", 672), ("w", 168), ("k", 72), ("h", 24)) for n in range(most)]
    pairs = {name: numbers[2 * n : 2 * n + 2] for n, name in enumerate(names)}
    earlier = {**state, "baseline": {**state["baseline"], "cells": {key: one for key, one in pairs.items() if one[1]}}}
    assert 300 < len(earlier["baseline"]["cells"]) <= 936
    assert Detector.load(earlier, UTC).save() == Detector.load(state, UTC).save() == state


@pytest.mark.parametrize("saved", [[], [1.0, 2.0], {}])
def test_what_cannot_be_read_is_learned_anew(saved):
    assert Cells.load(saved) == Cells()


def test_a_week_takes_a_tenth_of_what_its_numbers_would_take_as_objects():
    cells = Cells()
    as_objects = {f"q{n}": [n + 0.5, n + 0.25] for n in range(936)}
    taken = sum(sys.getsizeof(key) + sys.getsizeof(one) + 2 * sys.getsizeof(0.5) for key, one in as_objects.items())
    assert sys.getsizeof(cells.pairs) < 0.12 * (taken + sys.getsizeof(as_objects))
