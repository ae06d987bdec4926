"""Whether a file is audio that callers can hear, told by decoding all of it: WAV or MP3. Pure.

Levels are those of the telephone: eight thousand samples a second, one channel, so that what a caller could not hear is
not counted as sound. They are in dBFS, decibels below full scale.
"""

import io
import math
import struct
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from operator import mul

import miniaudio

# Bytes and seconds. A caller waits for the menu behind the message, so that it should be short.
LARGEST = 10_000_000
SHORTEST, LONGEST = 0.5, 300.0
# Samples a second: what the telephone network carries; the most that is worth keeping of what we convert.
TELEPHONE, WIDEBAND = 8_000, 16_000
# A twentieth of a second is heard as silence below this, in dBFS; so many of them at least must be louder.
SILENT, FEWEST = -50.0, 5
# Speech is engineered to about 26 dB below full scale (ITU-T G.100.1, P.56); ten less is hard to follow in a street.
QUIET = -36.0
# Speech that is as loud as a file can hold is there for a thousandth of its time; such a share was cut off at the top.
# LAME turns everything down to 0.95 before it encodes, so that the top is a little below full scale.
TOP, CLIPPED = 0.94, 0.02
# Seconds of silence at the beginning that make callers hang up.
LATE = 2.0
# Twilio names file types and no codecs (https://www.twilio.com/docs/voice/twiml/play): these every player takes.
_PCM, _SURE_BITS, _SURE_RATE = 1, (8, 16), 48_000
_FULL, _BLOCK = 32_768, TELEPHONE // 20
# No MP3 has more bytes for a second of sound (320 kbit/s): what lies beyond could not be read.
_DENSEST = 40_000


class BadAudio(ValueError):
    """Says in one sentence what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Sound:
    """`peak` and `loudness` in dBFS, the latter over what is not silence; `sure`: Twilio plays it as it is."""

    kind: str  # "WAV" or "MP3"
    seconds: float
    rate: int  # samples a second
    channels: int
    peak: float
    loudness: float
    sure: bool = True
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Levels:
    samples: int
    peak: float
    loudness: float
    heard: int  # blocks that are not silent
    late: float  # seconds before the first of them
    clipped: float  # share of samples at the top


def check(content: bytes) -> Sound:
    """What this file is. BadAudio when callers could not hear it."""
    if not content:
        raise BadAudio("The file is empty.")
    if len(content) > LARGEST:
        raise BadAudio(f"The file has {len(content) / 1e6:.1f} MB; {LARGEST / 1e6:.0f} MB are the most.")
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _checked("WAV", content)
    if content[:3] == b"ID3" or content[:1] == b"\xff":
        return _checked("MP3", content)
    raise BadAudio("This is neither a WAV nor an MP3 file. Its name does not matter, its content does.")


def playable(content: bytes, sound: Sound) -> bytes:
    """What Twilio is given of a file that was checked: the file itself, or the same sound as 16-bit PCM in one channel
    where its codec is not one that every player takes (24 bits, floating point, ADPCM, more than two channels).

    Converted rather than refused: many programs save 24 bits unless told otherwise, and the network carries less.
    """
    if sound.sure:
        return content
    file = io.BytesIO()
    rate = min(sound.rate, WIDEBAND)
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        for samples in _decoded(content, rate):
            out.writeframesraw(samples.tobytes())
    return file.getvalue()


def _checked(kind: str, content: bytes) -> Sound:
    read = miniaudio.wav_get_info if kind == "WAV" else miniaudio.mp3_get_info
    try:
        # Decoded first, and no further than the longest: only what was found to be short is counted to its end.
        levels = _levels(content)
        info = read(content)
    except (miniaudio.MiniaudioError, ArithmeticError, ValueError) as error:
        if isinstance(error, BadAudio):
            raise
        raise BadAudio(f"This {kind} file cannot be read. Export it again, as MP3 or as uncompressed WAV.") from error
    seconds = levels.samples / TELEPHONE
    _refuse(kind, content, info, seconds)
    if levels.heard < FEWEST:
        raise BadAudio("This recording is silent. Check the microphone and record it again.")
    sure = kind == "MP3" or _is_sure(content, info)
    advice = tuple(_advice(levels))
    return Sound(kind, seconds, info.sample_rate, info.nchannels, levels.peak, levels.loudness, sure, advice)


def _refuse(kind: str, content: bytes, info: miniaudio.SoundFileInfo, seconds: float) -> None:
    """BadAudio for what is no telephone's, cut off or too short. `seconds` were decoded, `info` is what it says."""
    if info.sample_rate < TELEPHONE:
        raise BadAudio(f"This recording has {info.sample_rate} samples a second; a telephone needs {TELEPHONE}.")
    if kind == "WAV":
        _whole_wav(content)
    elif seconds < info.num_frames / info.sample_rate * 0.98 - 0.2:
        raise BadAudio(f"This MP3 file is cut off after {seconds:.0f} seconds. Export it again.")
    elif len(content) - _tag(content) > seconds * _DENSEST * 1.1 + _DENSEST:
        raise BadAudio(f"Only {seconds:.0f} seconds of this MP3 file can be read. Export it again.")
    if seconds < SHORTEST:
        raise BadAudio(f"The recording lasts {seconds:.1f} seconds: too short to be heard.")


def _is_sure(content: bytes, info: miniaudio.SoundFileInfo) -> bool:
    tag, bits = _codec(content)
    return tag == _PCM and bits in _SURE_BITS and info.nchannels <= 2 and info.sample_rate <= _SURE_RATE


def _advice(levels: _Levels) -> Iterator[str]:
    if levels.clipped > CLIPPED:
        yield "It is distorted: parts of it are louder than the file can hold. Record it with less gain."
    if levels.loudness < QUIET:
        yield "It is very quiet, and hard to understand in a street. Speak nearer to the microphone."
    if levels.late > LATE:
        yield f"It begins with {levels.late:.0f} seconds of silence, in which callers hang up. Cut them away."


def _levels(content: bytes) -> _Levels:
    """One pass over the sound as a telephone carries it, block by block."""
    samples = peak = full = heard = 0
    top = int(_FULL * TOP)
    energy, late = 0.0, -1.0
    least = (_FULL * 10 ** (SILENT / 20)) ** 2
    for block in _decoded(content, TELEPHONE):
        power = sum(map(mul, block, block)) / len(block)
        most = max(max(block), -min(block))
        if power > least:
            late = samples / TELEPHONE if late < 0 else late
            heard, energy = heard + 1, energy + power
        if most >= top:
            full += sum(abs(sample) >= top for sample in block)
        samples, peak = samples + len(block), max(peak, most)
    loudness = _dbfs(math.sqrt(energy / heard)) if heard else -math.inf
    return _Levels(samples, _dbfs(peak), loudness, heard, max(late, 0.0), full / samples if samples else 0.0)


def _decoded(content: bytes, rate: int) -> Iterator["array[int]"]:
    """The sound at `rate` in one channel, a block at a time: a hostile file fills neither memory nor hours."""
    found, most = 0, LONGEST * rate
    stream = miniaudio.stream_memory(content, nchannels=1, sample_rate=rate, frames_to_read=_BLOCK)
    try:
        for block in stream:
            found += len(block)
            if found > most:
                raise BadAudio(f"The recording lasts longer than {LONGEST / 60:.0f} minutes, which are the most.")
            yield block
    finally:
        stream.close()


def _whole_wav(content: bytes) -> None:
    place, size = _chunk(content, b"data")
    # Programs that write to a pipe cannot know the size and say 0 or the largest number.
    if size not in (0, 0xFFFFFFFF) and place + size > len(content):
        raise BadAudio("This WAV file is cut off: it holds less sound than it says. Export it again.")


def _codec(content: bytes) -> tuple[int, int]:
    """Format tag and bits a sample of a WAV file (RIFF, `fmt `); the tag within where it is extensible (0xFFFE)."""
    place, size = _chunk(content, b"fmt ")
    if size < 16 or place + size > len(content):
        return 0, 0
    tag, bits = struct.unpack_from("<H12xH", content, place)
    if tag == 0xFFFE and size >= 26:
        (tag,) = struct.unpack_from("<H", content, place + 24)
    return tag, bits


def _chunk(content: bytes, wanted: bytes) -> tuple[int, int]:
    """Where a chunk of a RIFF file begins and how long it says it is; (0, 0) when there is none."""
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        if name == wanted:
            return place + 8, size
        place += 8 + size + size % 2
    return 0, 0


def _tag(content: bytes) -> int:
    """Bytes of the ID3v2 tag, which may hold a picture; its size has seven bits a byte."""
    if content[:3] != b"ID3" or len(content) < 10:
        return 0
    return 10 + (content[6] << 21 | content[7] << 14 | content[8] << 7 | content[9])


def _dbfs(level: float) -> float:
    return 20 * math.log10(level / _FULL) if level > 0 else -math.inf
