"""Recordings are told by decoding them: what a caller could not hear is refused in a sentence."""

import contextlib
import io
import math
import resource
import struct
import time
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.promised import promised
from tests.voice.noises import counted, mp3, other_wav, tone, wav
from voice import audio

TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + b"t" * 128
FLOAT = other_wav(3, 32, struct.pack("<32000f", *(0.5 * math.sin(number / 6) for number in range(32_000))))
MU_LAW = other_wav(7, 8, bytes(range(256)) * 125)
PICTURE = b"ID3\x04\x00\x00" + bytes([1_000_000 >> 21, 1_000_000 >> 14 & 127, 1_000_000 >> 7 & 127, 1_000_000 & 127])


@pytest.mark.parametrize(
    ("content", "kind", "seconds", "rate", "channels"),
    [
        (wav(), "WAV", 2.0, 8000, 1),
        (wav(width=1), "WAV", 2.0, 8000, 1),
        (wav(width=3, rate=44_100), "WAV", 2.0, 44_100, 1),
        (wav(width=4, channels=2, rate=48_000), "WAV", 2.0, 48_000, 2),
        (FLOAT, "WAV", 2.0, 16_000, 1),
        (MU_LAW, "WAV", 2.0, 16_000, 1),
        (wav().replace(b"data" + struct.pack("<I", 32_000), b"data\xff\xff\xff\xff"), "WAV", 2.0, 8000, 1),
        (mp3(), "MP3", 2.0, 16_000, 1),
        (mp3(rate=44_100, channels=2, kilobits=128), "MP3", 2.0, 44_100, 2),
        (mp3(rate=8000, kilobits=16), "MP3", 2.0, 8000, 1),
        (counted(mp3()), "MP3", 2.0, 16_000, 1),
        (TAG + mp3(), "MP3", 2.0, 16_000, 1),
        (PICTURE + b"p" * 1_000_000 + mp3(), "MP3", 2.0, 16_000, 1),
        (mp3() + b"TAG" + b"x" * 125, "MP3", 2.0, 16_000, 1),
    ],
)
def test_what_can_be_heard_is_taken_with_all_that_is_known_of_it(content, kind, seconds, rate, channels):
    sound = audio.check(content)
    assert (sound.kind, sound.rate, sound.channels) == (kind, rate, channels)
    # An encoder fills up its last frame, and begins with another.
    assert sound.seconds == pytest.approx(seconds, abs=0.2 if kind == "MP3" else 0.01)


@pytest.mark.parametrize(("loud", "peak"), [(1.0, 0.0), (0.5, -6.0), (0.1, -20.0), (0.02, -34.0)])
@pytest.mark.parametrize("make", [wav, mp3])
def test_levels_are_told_below_full_scale(make, loud, peak):
    sound = audio.check(make(loud=loud))
    # A sine is three decibels less loud than its peak; an encoder bends both a little.
    assert (sound.peak, sound.loudness) == (pytest.approx(peak, abs=0.6), pytest.approx(peak - 3, abs=0.6))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\0" * (audio.LARGEST + 1), "10 MB are the most"),
        (b"OggS" + b"\0" * 400, "neither a WAV nor an MP3"),
        (b"RIFF\x10\0\0\0AVI LIST" + b"\0" * 400, "neither a WAV nor an MP3"),
        (b"<html>not found</html>", "neither a WAV nor an MP3"),
        (wav()[:-2000], "cut off"),
        (wav(width=3)[:-2000], "cut off"),
        (counted(mp3(4))[:12_000], "cut off after 1 seconds"),
        (wav()[:30], "cannot be read"),
        (other_wav(0x55, 8, bytes(8000)), "too short"),  # MP3 within WAV
        (wav(loud=0), "silent"),
        (wav(width=1, loud=0), "silent"),
        (wav(width=3, loud=0.001), "silent"),
        (mp3(loud=0), "silent"),
        (mp3(loud=0.001), "silent"),
        (wav(0.1, before=3), "silent"),
        (wav(seconds=0.2), "too short"),
        (mp3(0.2), "too short"),
        (wav(rate=4000), "4000 samples a second"),
        (wav(seconds=301), "longer than 5 minutes"),
        (mp3(301, rate=8000, kilobits=8), "longer than 5 minutes"),
        (mp3(0.1)[:288], "too short"),
        (b"ID3", "cannot be read"),
        (b"\xff\xd8\xff\xe0 a photograph" + b"\x10" * 4000, "cannot be read"),
        (mp3() + b"\x55" * 200_000, "Only 2 seconds"),
    ],
)
def test_what_cannot_be_heard_is_refused_with_the_reason(content, words):
    with pytest.raises(audio.BadAudio, match=words):
        audio.check(content)


def test_a_whistle_that_no_telephone_carries_is_silence():
    samples = [int(20_000 * math.sin(number * math.tau * 15_000 / 44_100)) for number in range(88_200)]
    with pytest.raises(audio.BadAudio, match="silent"):
        audio.check(other_wav(1, 16, struct.pack("<88200h", *samples), rate=44_100))


def test_two_channels_that_cancel_each_other_out_are_silence():
    samples = [value for one in tone() for value in (one, -one)]
    with pytest.raises(audio.BadAudio, match="silent"):
        audio.check(other_wav(1, 16, struct.pack(f"<{len(samples)}h", *samples), rate=8000, channels=2))


@pytest.mark.parametrize("make", [wav, mp3])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"loud": 2.0}, "distorted"),
        ({"loud": 0.01}, "very quiet"),
        ({"before": 3.0}, "3 seconds of silence"),
        ({"loud": 0.9}, None),
        ({"before": 1.5}, None),
    ],
)
def test_what_can_be_heard_badly_is_taken_with_advice(make, how, words):
    advice = audio.check(make(**how)).advice
    assert (words in " ".join(advice)) if words else advice == ()


@pytest.mark.parametrize("content", [wav(), wav(width=1), wav(channels=2, rate=48_000), mp3(), counted(mp3())])
def test_what_every_player_takes_stays_as_it_is(content):
    assert audio.playable(content, audio.check(content)) == content


@pytest.mark.parametrize(
    ("content", "rate"),
    [
        (wav(width=3, rate=44_100), 16_000),
        (wav(width=4), 8000),
        (FLOAT, 16_000),
        (MU_LAW, 16_000),
        (wav(channels=4), 8000),
        (wav(rate=96_000), 16_000),
    ],
)
def test_another_codec_becomes_plain_pcm_that_sounds_the_same(content, rate):
    before = audio.check(content)
    made = audio.playable(content, before)
    with wave.open(io.BytesIO(made)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
    after = audio.check(made)
    assert after.sure
    assert after.seconds == pytest.approx(before.seconds, abs=0.01)
    assert after.loudness == pytest.approx(before.loudness, abs=0.5)


WHOLE = [wav(0.6), wav(0.6, width=3, channels=2), FLOAT[:9000], MU_LAW[:6000], mp3(0.7), counted(mp3(0.7)), TAG + mp3()]


@settings(max_examples=promised(400, 100), deadline=None)
@given(
    some.sampled_from(WHOLE),
    some.lists(some.tuples(some.integers(0, 400), some.binary(min_size=1, max_size=8)), max_size=6),
    some.integers(0, 9000),
)
def test_a_file_that_was_changed_anywhere_is_taken_or_refused_and_nothing_else(whole, changes, end):
    content = bytearray(whole)
    for place, put in changes:
        content[place : place + len(put)] = put
    for tried in (bytes(content), bytes(content[:end])):
        with contextlib.suppress(audio.BadAudio):
            sound = audio.check(tried)
            assert audio.SHORTEST <= sound.seconds <= audio.LONGEST
            assert len(audio.playable(tried, sound)) <= audio.LARGEST


@settings(max_examples=promised(300, 100), deadline=None)
@given(some.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"\xff\xfb\x90\x00", b"ID3"]), some.binary(max_size=4000))
def test_any_bytes_are_taken_or_refused_and_nothing_else(start, rest):
    with contextlib.suppress(audio.BadAudio):
        audio.check(start + rest)


SMALLEST_FRAME = b"\xff\xe3\x18\xc4" + bytes(68)


@pytest.fixture(scope="module")
def honest():
    """Processor seconds that five minutes cost, and what this process has used of memory then, in kB."""
    content = mp3(299, rate=44_100, kilobits=128)
    return cost(content)


def cost(content):
    began = time.process_time()
    with contextlib.suppress(audio.BadAudio):
        audio.check(content)
    return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    "make",
    [
        lambda: SMALLEST_FRAME * (audio.LARGEST // 72),  # nearly three hours in ten megabytes
        lambda: b"\xff" * audio.LARGEST,
        lambda: b"\xff\xf3\x14\x00" * (audio.LARGEST // 4),
        lambda: other_wav(1, 8, b"\x80\xff" * 4_900_000, rate=8000),
        lambda: other_wav(1, 16, bytes(9_000_000), rate=0xFFFFFFFF),
        lambda: other_wav(1, 16, bytes(9_000_000), rate=1),
        lambda: other_wav(1, 8, bytes(9_000_000), rate=8000, channels=255),
    ],
)
def test_a_hostile_file_costs_about_as_much_as_an_honest_one(make, honest):
    content = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took, after = cost(content)
    assert took < 3 * honest[0]
    assert after - before < 20_000
