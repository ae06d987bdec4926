"""Recordings are told by their content: what a caller could not hear is refused in a sentence."""

import io
import math
import struct
import wave

import pytest

from voice import audio


def wav(seconds=2.0, *, width=2, rate=8000, channels=1, loud=0.5):
    """A tone; `loud` 0 is silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        full = (1 << (8 * width - 1)) - 1
        samples = (int(full * loud * math.sin(number / 4)) for number in range(int(seconds * rate)))
        frame = {
            1: lambda value: bytes([value + 128]),
            2: lambda value: struct.pack("<h", value),
            3: lambda value: struct.pack("<i", value << 8)[1:],
            4: lambda value: struct.pack("<i", value),
        }[width]
        out.writeframes(b"".join(frame(value) * channels for value in samples))
    return file.getvalue()


# MPEG 1, layer III, 64 kbit/s, 44.1 kHz: 208 bytes a frame of 1152 samples; MPEG 2, 64 kbit/s, 24 kHz: 192 of 576.
FRAME_1 = b"\xff\xfb\x50\x00" + bytes(204)
FRAME_2 = b"\xff\xf3\x84\x00" + bytes(188)


def mp3(frames=100, *, frame=FRAME_1, before=b"", after=b""):
    return before + frame * frames + after


TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + b"t" * 128


@pytest.mark.parametrize(
    ("content", "kind", "seconds"),
    [
        (wav(), "WAV", 2.0),
        (wav(width=1), "WAV", 2.0),
        (wav(width=3), "WAV", 2.0),
        (wav(width=4, channels=2), "WAV", 2.0),
        (wav(loud=0.02), "WAV", 2.0),
        (mp3(), "MP3", 100 * 1152 / 44100),
        (mp3(frame=FRAME_2), "MP3", 100 * 576 / 24000),
        (mp3(before=TAG), "MP3", 100 * 1152 / 44100),
        (mp3(after=b"TAG" + b"x" * 125), "MP3", 100 * 1152 / 44100),
    ],
)
def test_what_can_be_heard_is_taken_with_its_length(content, kind, seconds):
    sound = audio.check(content)
    assert sound.kind == kind
    assert sound.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\0" * (audio.LARGEST + 1), "10 MB are the most"),
        (b"OggS" + b"\0" * 400, "neither a WAV nor an MP3"),
        (b"<html>not found</html>", "neither a WAV nor an MP3"),
        (wav()[:-2000], "cut off"),
        (wav()[:30], "cannot be read"),
        (wav().replace(b"fmt \x10\0\0\0\x01\0", b"fmt \x10\0\0\0\x07\0"), "PCM"),
        (wav(loud=0), "silent"),
        (wav(width=1, loud=0), "silent"),
        (wav(width=3, loud=0.001), "silent"),
        (wav(seconds=0.2), "too short"),
        (wav(seconds=301, rate=2000), "5 are the most"),
        (mp3(3), "no sound"),
        (b"ID3", "no sound"),
        (b"\xff\xd8\xff\xe0 a photograph" + b"\x10" * 4000, "no sound"),
        (mp3(after=b"\x55" * 8000), "damaged after 3 seconds"),
        (mp3(12_000), "5 are the most"),
    ],
)
def test_what_cannot_be_heard_is_refused_with_the_reason(content, words):
    with pytest.raises(audio.BadAudio, match=words):
        audio.check(content)
