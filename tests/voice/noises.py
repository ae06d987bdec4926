"""Files of sound for tests: WAV as the standard library writes it, MP3 as LAME encodes it."""

import io
import math
import struct
import wave
from array import array

import lameenc

FULL = 32_767


def tone(seconds=2.0, *, rate=8000, loud=0.5, before=0.0):
    """A tone of about 400 Hz after `before` seconds of nothing; `loud` 0 is silence, over 1 it is clipped."""
    step, top = math.tau * 400 / rate, FULL * loud
    cycle = [max(-FULL, min(FULL, int(top * math.sin(number * step)))) for number in range(round(rate / 400) * 40)]
    long_enough = cycle * (int(seconds * rate) // len(cycle) + 1)
    return array("h", [0] * int(before * rate) + long_enough[: int(seconds * rate)])


def wav(seconds=2.0, *, width=2, rate=8000, channels=1, loud=0.5, before=0.0):
    """An uncompressed WAV file."""
    file = io.BytesIO()
    frame = {
        1: lambda value: bytes([(value >> 8) + 128]),
        2: lambda value: struct.pack("<h", value),
        3: lambda value: struct.pack("<i", value << 16)[1:],
        4: lambda value: struct.pack("<i", value << 16),
    }[width]
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        samples = tone(seconds, rate=rate, loud=loud, before=before)
        # A tone is a few values over and over: each is packed once.
        frames = {value: frame(value) * channels for value in set(samples)}
        out.writeframes(b"".join(map(frames.__getitem__, samples)))
    return file.getvalue()


def other_wav(tag, bits, samples, *, rate=16_000, channels=1):
    """A WAV file of another codec than PCM, such as 3: floating point, 6 and 7: A-law and μ-law."""
    frame = bits // 8 * channels
    fmt = struct.pack("<HHIIHHH", tag, channels, rate, rate * frame & 0xFFFFFFFF, frame, bits, 0)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp3(seconds=2.0, *, rate=16_000, channels=1, loud=0.5, kilobits=64, before=0.0):
    """An MP3 file as LAME writes it to a pipe."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(kilobits)
    encoder.set_in_sample_rate(rate)
    encoder.set_channels(channels)
    encoder.set_quality(7)
    samples = tone(seconds, rate=rate, loud=loud, before=before)
    if channels == 2:
        samples = array("h", [value for one in samples for value in (one, one)])
    return bytes(encoder.encode(samples.tobytes()) + encoder.flush())


def counted(content):
    """The same MP3 (MPEG 2, mono, 64 kbit/s, 16 kHz) with a frame before it that says how many follow, as most have."""
    frame = 288
    info = content[:4] + bytes(9) + b"Info" + struct.pack(">III", 3, len(content) // frame, len(content) + frame)
    return info.ljust(frame, b"\0") + content
