"""Values that an embedded installation makes up once and keeps beside its data: a key, a demo's tokens, its address."""

import os
import secrets
from pathlib import Path


def kept(folder: Path, name: str, make: str | None = None) -> str:
    """The value kept under `name`; made of `make` (empty: random) where there is none; empty if it may not be made."""
    path = folder / "kept" / name
    try:
        return path.read_text().strip()
    except OSError:
        if make is None:
            return ""
    value = make or secrets.token_hex(32)
    aside = path.with_name(f".{name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(value)
        # Linked into place: no process reads half of it, and the first one wins.
        os.link(aside, path)
    except FileExistsError:
        value = path.read_text().strip()
    except OSError:
        return value
    finally:
        aside.unlink(missing_ok=True)
    return value


def keep(folder: Path, name: str, value: str) -> None:
    """Replaces the value kept under `name`."""
    path = folder / "kept" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{name}.{os.getpid()}")
    aside.write_text(value)
    aside.replace(path)
