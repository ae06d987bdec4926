"""Large bodies as content-addressed files: written once under their SHA-256, fsynced, never changed."""

import hashlib
import os
import secrets
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

# What customers write is read by the owner of the process alone.
PRIVATE = 0o600
_OURS = secrets.token_hex(4)


def path_of(digest: str, shelf: str = "") -> Path:
    """Where the blob with this SHA-256 (64 hex digits) lies. A shelf keeps blobs of one use apart from all others."""
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError("not a blob's name")
    return Path(settings.MEDIA_ROOT) / shelf / digest[:2] / digest


def put(content: bytes, shelf: str = "") -> str:
    """Keeps `content` durably and returns its SHA-256. OSError when it cannot be kept."""
    digest = hashlib.sha256(content).hexdigest()
    target = path_of(digest, shelf)
    # As young as if it came now, for whoever sweeps a shelf by age.
    with suppress(FileNotFoundError):
        os.utime(target)
        return digest
    make_folder(target.parent)
    write_durably(target, content)
    return digest


def read(digest: str, shelf: str = "") -> bytes:
    """The bytes of a blob. FileNotFoundError when there is none."""
    return path_of(digest, shelf).read_bytes()


def all_on(shelf: str) -> Iterator[Path]:
    """The blobs of one shelf."""
    return (path for path in (Path(settings.MEDIA_ROOT) / shelf).glob("??/*") if not path.name.startswith("."))


def make_folder(folder: Path) -> None:
    """Makes a folder whose own entry outlives a power cut as well as what will lie in it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


class _Syncs:
    """Syncs of one folder: who comes while one is under way shares the next with all who wait for it."""

    def __init__(self) -> None:
        self.lock, self.begun, self.ended = threading.Lock(), 0, 0

    def sync(self, folder: Path) -> None:
        """Returns when a sync that began after this call has ended."""
        known = self.begun
        with self.lock:
            if self.ended > known:
                return
            self.begun = number = self.begun + 1
            _sync_now(folder)
            self.ended = number


_syncs: dict[str, _Syncs] = defaultdict(_Syncs)


def _sync(folder: Path) -> None:
    _syncs[str(folder)].sync(folder)


def _sync_now(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(target: Path, content: bytes) -> None:
    """Writes a file so that it is whole or absent after a crash: temporary name, fsync, rename, fsync of the folder."""
    # A name of this thread alone, wherever the folder is shared.
    temporary = f"{target.parent}/.{target.name}.{_OURS}.{os.getpid()}.{threading.get_ident()}.tmp"
    try:
        with open(temporary, "wb") as file:
            os.fchmod(file.fileno(), PRIVATE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(target.parent)
