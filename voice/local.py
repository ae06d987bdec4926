"""Switching the lines of one host while the database is away; merged into it, with its trail, when it is back."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tickets import audit
from tickets.blobs import write_durably
from voice import sounds
from voice.models import Announcement, Line

Order = dict[str, Any]


def path() -> Path:
    return Path(_name(settings.VAR))


@lru_cache(maxsize=4)
def _name(var: str | Path) -> str:
    return str(Path(var) / "kept" / "local-announcements.json")


def announce(
    lines: list[str],
    text: dict[str, str],
    audio: dict[str, str] | None = None,
    *,
    who: str,
    why: str,
    until: datetime | None = None,
) -> None:
    """Makes these lines (keys) of this host announce `text` from the next call on, without the database."""
    shared = {"text": text, "audio": audio or {}, "until": until.isoformat() if until else None}
    _append([{"action": "announce", "line": line, **shared, "who": who, "why": why} for line in lines])


def clear(lines: list[str], *, who: str, why: str) -> None:
    """Ends what these lines (keys) of this host announce now, without the database."""
    _append([{"action": "clear", "line": line, "who": who, "why": why} for line in lines])


def laid_over(line: str, overlays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The overlays of a line with this host's own orders applied to them."""
    merged = {overlay["local"] for overlay in overlays}
    result = list(overlays)
    for order in read():
        if order["line"] != line or order["key"] in merged:
            continue
        if order["action"] == "clear":
            result = [overlay for overlay in result if overlay["since"] > order["at"]]
        else:
            result.append(_as_overlay(order))
    return result


def read() -> list[Order]:
    """Orders not merged yet, in the order they were given. Every call asks: the file is read when it has changed."""
    name = _name(settings.VAR)
    try:
        found = os.stat(name)
    except OSError:
        return []
    return list(_read(name, found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=4)
def _read(name: str, *_: int) -> Sequence[Order]:
    try:
        orders = json.loads(Path(name).read_bytes())
    except (OSError, ValueError):
        return []
    return orders if isinstance(orders, list) else []


def merge() -> int:
    """Writes this host's orders into the database, each once, and forgets them. Raises what the database raises."""
    if not read():
        return 0
    with _alone():
        orders = read()
        with transaction.atomic():
            for order in orders:
                _merge_one(order)
        path().unlink(missing_ok=True)
    return len(orders)


def _merge_one(order: Order) -> None:
    line = Line.objects.filter(key=order["line"]).first()
    if line is None or Announcement.objects.filter(local_key=order["key"]).exists():
        return
    at = datetime.fromisoformat(order["at"])
    if order["action"] == "clear":
        Announcement.objects.filter(line=line, ended_at__isnull=True, since__lte=at).update(ended_at=at)
    else:
        until = datetime.fromisoformat(order["until"]) if order["until"] else None
        Announcement.objects.create(
            line=line,
            text=order["text"],
            audio=order.get("audio", {}),
            since=at,
            until=until,
            why=order["why"][:300],
            local_key=order["key"],
        )
    audit.record(None, f"lines.{order['action']}.local", line.key, who=order["who"], why=order["why"], at=order["at"])


def _as_overlay(order: Order) -> dict[str, Any]:
    return {
        "id": 0,
        "since": order["at"],
        "until": order["until"],
        "problem": None,
        "text": order["text"],
        "audio": sounds.present(order.get("audio", {})),
        "local": order["key"],
    }


def _append(orders: list[Order]) -> None:
    at = timezone.now().isoformat()
    with _alone():
        known = read()
        known += [{**order, "key": uuid4().hex, "at": at} for order in orders]
        write_durably(path(), json.dumps(known).encode())


@contextmanager
def _alone() -> Iterator[None]:
    path().parent.mkdir(parents=True, exist_ok=True)
    with path().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
