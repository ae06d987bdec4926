import pytest

from voice.audio import check
from voice.simulator.murmur import LONGEST, murmur


@pytest.mark.parametrize(("asked", "seconds"), [(0, 1), (1, 1), (9, 9), (600, LONGEST)])
def test_it_is_a_recording_that_callers_could_hear(asked, seconds):
    sound = check(murmur(asked))
    assert sound.seconds == pytest.approx(seconds, abs=0.05)
    assert sound.advice == ()
