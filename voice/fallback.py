"""What every line says when nothing of ours answers: static TwiML, its audio and the status page, kept elsewhere.

Files in the storage `fallback`: `voice/<line>/<face>.xml` in all the line's languages, `<face>.<language>.xml` in one,
`now.xml` as the line is now, `voice/audio/<hash>.<kind>`, `status/…`. Nothing in them calls us; audio is named relative
to the document, so that the storage may be moved. `now.xml` is what a number's fallback URL should be, by GET.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone
from twilio.twiml.voice_response import VoiceResponse

from tickets.blobs import write_durably
from voice import sounds as shelf
from voice.plan import PLAN, Face, LineDocument, face
from voice.spoken import pieces, variety
from voice.words import sentence

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
KINDS = ("open", "closed", "incident")
# What this process has exported, so that a run that changes nothing reads nothing.
_last = ""


def documents(plan: Mapping[str, Any], now: datetime, sounds: Mapping[str, str]) -> dict[str, str]:
    """Pure: file name → TwiML. `sounds`: blob hash → file name of the audio that is there."""
    made: dict[str, str] = {}
    for key, line in plan.get("lines", {}).items():
        languages = list(line["languages"])
        for kind in KINDS:
            words = line["faces"][kind]
            shown = Face(kind, words["text"], words["audio"])
            made[f"voice/{key}/{kind}.xml"] = _document(line, shown, languages, sounds)
            for language in languages:
                made[f"voice/{key}/{kind}.{language}.xml"] = _document(line, shown, [language], sounds)
        made[f"voice/{key}/now.xml"] = _document(line, face(line, now), languages, sounds)
    return made


def _document(line: LineDocument, shown: Face, languages: list[str], sounds: Mapping[str, str]) -> str:
    response = VoiceResponse()
    for language in languages:
        sound = sounds.get(shown.audio.get(language, ""))
        text = shown.text.get(language, "").strip()
        if sound:
            # Twilio takes an address beside the document's own.
            response.play(f"../audio/{sound}")
        elif text:
            _say(response, text, language)
        elif not any(shown.text.get(tag) or shown.audio.get(tag) for tag in languages) or len(languages) == 1:
            _say(response, sentence(shown.kind, language), language)
        else:
            continue
        _say(response, sentence("unreachable", language, address=settings.SUPPORT_ADDRESS), language)
    response.hangup()
    return str(response)


def _say(response: VoiceResponse, text: str, language: str) -> None:
    for piece in pieces(text):
        response.say(piece, language=variety(language))


def export(now: datetime | None = None) -> int:
    """Writes what changed to the storage, the manifest last. Returns how many files; OSError when it cannot."""
    global _last
    plan, now = PLAN.current(), now or timezone.now()
    sounds = _sounds(plan)
    files = {name: text.encode() for name, text in documents(plan, now, sounds).items()} | _status()
    audio = {f"voice/audio/{name}": digest for digest, name in sounds.items()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())} | audio
    manifest = {"base": settings.FALLBACK_URL, "files": sums, "lines": _numbers(plan)}
    digest = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
    if digest == _last:
        return 0
    storage = storages["fallback"]
    known = _manifest(storage).get("files", {})
    changed = [name for name, checksum in sums.items() if known.get(name) != checksum or not storage.exists(name)]
    for name in changed:
        # A recording is named by what is in it, and read only when it is not there yet.
        _replace(storage, name, files[name] if name in files else shelf.read(audio[name]))
    _replace(storage, MANIFEST, json.dumps(manifest, indent=1).encode())
    # What `manage.py lines repoint` needs when there is no database and no storage either.
    write_durably(numbers_file(), json.dumps(manifest["lines"], indent=1).encode())
    _last = digest
    return len(changed)


def export_quietly() -> int:
    """The watch's chore: what cannot be written now is written in the next run."""
    try:
        return export()
    except Exception:  # whatever a storage raises: the telephone goes on
        log.exception("the fallback could not be exported")
        return 0


def numbers_file() -> Path:
    """The numbers and their lines, on this host."""
    return Path(settings.VAR) / "numbers.json"


def url_of(key: str) -> str:
    """Where a line's fallback is fetched, by GET; empty where nobody said where the storage is read."""
    return f"{settings.FALLBACK_URL}/voice/{key}/now.xml" if settings.FALLBACK_URL else ""


def _numbers(plan: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"key": key, "number": line["number"]} for key, line in sorted(plan.get("lines", {}).items())]


def _sounds(plan: Mapping[str, Any]) -> dict[str, str]:
    """The file names of the recordings that can be played, by hash."""
    found = {digest: _sound(digest) for digest in sorted(set(_hashes(plan)))}
    return {digest: name for digest, name in found.items() if name}


def _sound(digest: str) -> str:
    """The file name of a recording; empty where there is none that can be played: its words are spoken then."""
    if not shelf.is_there(digest):
        return ""
    try:
        return f"{digest}.{shelf.about(digest).kind.lower()}"
    except (OSError, ValueError) as error:
        log.warning("recording %s is left out of the fallback: %s", digest[:12], error)
        return ""


def _hashes(plan: Mapping[str, Any]) -> Iterator[str]:
    for line in plan.get("lines", {}).values():
        shown = [*line["faces"].values(), *line["overlays"]]
        yield from (digest for one in shown for digest in one["audio"].values() if digest)


def _status() -> dict[str, bytes]:
    """The status page as it was last exported."""
    folder = Path(settings.EXPORT_ROOT) / "status"
    if not folder.is_dir():
        return {}
    return {
        f"status/{path.name}": path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.startswith(".")
    }


def _manifest(storage: Storage) -> dict[str, Any]:
    try:
        with storage.open(MANIFEST) as file:
            return dict(json.load(file))
    except (OSError, ValueError):
        return {}


def _replace(storage: Storage, name: str, content: bytes) -> None:
    if storage.exists(name):
        storage.delete(name)
    storage.save(name, ContentFile(content))
