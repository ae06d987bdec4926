"""What stands for a simulated caller's voice: a murmur, since no microphone is there. Pure."""

import io
import math
import wave
from array import array

RATE = 8_000
# Seconds at most: longer ones sound no better.
LONGEST = 20
# Syllables a second, and the pitch (Hz) of one after the other.
_PACE, _PITCHES = 4, (190, 215, 175, 205, 160)


def murmur(seconds: int) -> bytes:
    """A WAV file of about this length, in the rhythm of somebody who speaks."""
    length = RATE // _PACE
    samples = array("h")
    for place in range(max(1, min(seconds, LONGEST)) * _PACE):
        step = math.tau * _PITCHES[place % len(_PITCHES)] / RATE
        samples.extend(int(9_000 * math.sin(math.pi * at / length) * math.sin(step * at)) for at in range(length))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()
