"""Whether a file is audio that Twilio can play to a caller, told by its content: WAV (PCM) or MP3. Pure."""

import io
import wave
from dataclasses import dataclass

# Bytes and seconds. A caller waits for the menu behind the message, so that it should be short.
LARGEST = 10_000_000
SHORTEST, LONGEST = 0.5, 300.0
# MPEG audio, layer III: kbit/s by the four bits of the header (ISO/IEC 11172-3, table of bit rates; 13818-3).
_RATES_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
# Fewer frames than this in a row may be chance in a file of another kind.
_FEWEST_FRAMES = 8
# A recording whose samples never leave this band is silence: under a hundredth of full scale.
_QUIET_8, _QUIET = {127, 128, 129}, {0, 255}


class BadAudio(ValueError):
    """Says in one sentence what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Sound:
    kind: str  # "WAV" or "MP3"
    seconds: float


def check(content: bytes) -> Sound:
    """What this file is. BadAudio when callers could not hear it."""
    if not content:
        raise BadAudio("The file is empty.")
    if len(content) > LARGEST:
        raise BadAudio(f"The file has {len(content) / 1e6:.1f} MB; {LARGEST / 1e6:.0f} MB are the most.")
    if content[:4] == b"RIFF":
        sound = _wav(content)
    elif content[:3] == b"ID3" or content[:1] == b"\xff":
        sound = Sound("MP3", _mp3_seconds(content))
    else:
        raise BadAudio("This is neither a WAV nor an MP3 file. Its name does not matter, its content does.")
    if sound.seconds < SHORTEST:
        raise BadAudio(f"The recording lasts {sound.seconds:.1f} seconds: too short to be heard.")
    if sound.seconds > LONGEST:
        raise BadAudio(f"The recording lasts {sound.seconds / 60:.0f} minutes; {LONGEST / 60:.0f} are the most.")
    return sound


def _wav(content: bytes) -> Sound:
    try:
        with wave.open(io.BytesIO(content)) as file:
            width, frame = file.getsampwidth(), file.getsampwidth() * file.getnchannels()
            told, rate = file.getnframes(), file.getframerate()
            frames = file.readframes(told)
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:
        raise BadAudio(f"This WAV file cannot be read ({error}). Save it as uncompressed PCM.") from error
    if not rate or len(frames) < told * frame:
        raise BadAudio("This WAV file is cut off: it holds less sound than it says. Export it again.")
    # The top byte of each sample says enough, whatever its width.
    heard = set(frames) - _QUIET_8 if width == 1 else set(frames[width - 1 :: width]) - _QUIET
    if not heard:
        raise BadAudio("This recording is silent. Check the microphone and record it again.")
    return Sound("WAV", told / rate)


def _mp3_seconds(content: bytes) -> float:
    place, seconds, frames = _after_tag(content), 0.0, 0
    while found := _frame(content, place):
        length, lasts = found
        if place + length > len(content):
            break
        place, seconds, frames = place + length, seconds + lasts, frames + 1
    if frames < _FEWEST_FRAMES:
        raise BadAudio("This MP3 file holds no sound that can be read. Export it again, or use WAV.")
    rest = content[place:]
    if len(rest) > len(content) // 20 and rest[:3] not in (b"TAG", b"APE") and rest.strip(b"\0"):
        raise BadAudio(f"This MP3 file is damaged after {seconds:.0f} seconds. Export it again.")
    return seconds


def _after_tag(content: bytes) -> int:
    """Where sound begins: behind the ID3v2 tag, whose size has seven bits a byte."""
    if content[:3] != b"ID3" or len(content) < 10:
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if content[5] & 0x10 else 0)


def _frame(content: bytes, place: int) -> tuple[int, float] | None:
    """Length in bytes and in seconds of the layer III frame at `place`; None if there is none."""
    head = content[place : place + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, speed = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer != 1 or bits in (0, 15) or speed == 3:
        return None
    rate = (_RATES_1 if version == 3 else _RATES_2)[bits - 1] * 1000
    samples, per_second = (1152 if version == 3 else 576), _SAMPLES[version][speed]
    return samples // 8 * rate // per_second + (head[2] >> 1 & 1), samples / per_second
