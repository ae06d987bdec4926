"""Recordings that callers may hear: decoded when they come in, kept under their hash, swept when nobody uses them.

They lie on a shelf of their own among the blobs (one folder for all hosts), so that sweeping it can never take away a
customer's file, and so that the public address of recordings gives out nothing else.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from tickets import blobs
from voice.audio import LARGEST, BadAudio, Sound, check, playable
from voice.models import Announcement, Line

log = logging.getLogger(__name__)

SHELF = "audio"
# How long an upload is kept that no line and no announcement uses.
UNUSED = timedelta(days=1)


def take(content: bytes) -> str:
    """Keeps a recording, as Twilio can play it, and returns its hash. BadAudio when callers could not hear it."""
    return blobs.put(playable(content, check(content)), SHELF)


def take_file(file: UploadedFile) -> str:
    """As `take`, and refuses a file that is too large before it is read."""
    size = file.size or 0
    if size > LARGEST:
        raise BadAudio(f"The file has {size / 1e6:.1f} MB; {LARGEST / 1e6:.0f} MB are the most.")
    return take(file.read())


def read(digest: str) -> bytes:
    """The bytes of a recording. FileNotFoundError when there is none, ValueError when this is no hash."""
    return blobs.read(digest, SHELF)


@lru_cache(maxsize=512)
def about(digest: str) -> Sound:
    """What is known of a recording; decoded once in a process. OSError, ValueError or BadAudio when it is not there."""
    return check(read(digest))


def advice(digest: str) -> list[str]:
    """What callers may find hard to hear about a recording; nothing where there is none."""
    try:
        return list(about(digest).advice) if digest else []
    except (OSError, ValueError):
        return []


def is_there(digest: str) -> bool:
    """Whether a recording can be played."""
    try:
        return blobs.path_of(digest, SHELF).is_file()
    except (OSError, ValueError):
        return False


def present(audio: Mapping[str, str]) -> dict[str, str]:
    """What can be played of `audio` (hashes by language): words are spoken in place of the rest."""
    return {language: digest for language, digest in audio.items() if digest and is_there(digest)}


def claim(digest: str) -> bool:
    """Says that a recording is about to be used: it is kept for another day. False when it is not there."""
    try:
        os.utime(blobs.path_of(digest, SHELF))
    except (OSError, ValueError):
        return False
    return True


def sweep(now: datetime | None = None) -> int:
    """Deletes recordings that came a day ago or longer and that neither a line nor an announcement names.

    Those of announcements that are over stay: reports tell what was said. Whoever chooses a recording claims it first;
    should one go all the same, the plan notices, and its words are spoken.
    """
    before = ((now or timezone.now()) - UNUSED).timestamp()
    old = [path for path in blobs.all_on(SHELF) if path.stat().st_mtime < before]
    if not old:
        return 0
    used = set(_used())
    gone = [path for path in old if path.name not in used]
    for path in gone:
        path.unlink(missing_ok=True)
    if gone:
        log.info("%d recordings that nobody used were deleted", len(gone))
    return len(gone)


def _used() -> Iterator[str]:
    for face in ("open_audio", "closed_audio", "incident_audio"):
        for audio in Line.objects.values_list(face, flat=True):
            yield from audio.values()
    for audio in Announcement.objects.exclude(audio={}).values_list("audio", flat=True).iterator():
        yield from audio.values()
