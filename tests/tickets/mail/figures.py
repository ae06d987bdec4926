"""How well real mail is read: the measures over labelled mail, each met or not, and their intervals."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path
from typing import Any

Labels = dict[str, Any]
Record = dict[str, Any]


def labelled(folder: Path) -> Iterator[tuple[Labels, bytes]]:
    """Every file of `mail/expected.jsonl` in the data folder, with what people say is in it."""
    for line in (folder / "mail" / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        labels = json.loads(line)
        yield labels, (folder / "mail" / labels["file"]).read_bytes()


def half_of(file: str) -> str:
    """Rules are developed on one half of each corpus and judged on the other; the name's hash says which."""
    return "judge" if hashlib.sha256(file.encode()).digest()[0] % 2 else "develop"


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval in which the share lies with 95 % (Wilson 1927)."""
    share, spread = right / n, z * sqrt(right / n * (1 - right / n) / n + z * z / (4 * n * n))
    middle = share + z * z / (2 * n)
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def words(text: str | None) -> str:
    """Text without regard to white space."""
    return " ".join((text or "").split())


# label, measure, key of the record, and whether the record's value is what the label says.
_EXACT: tuple[tuple[str, str, str, Callable[[Any, Any], bool]], ...] = (
    ("subject", "subject", "subject", lambda found, label: found == label),
    ("from_email", "from address", "from_email", lambda found, label: found.lower() == (label or "").lower()),
    ("display", "from name", "from_name", lambda found, label: found == (label or "")),
    ("attachments", "attachments", "attachments", lambda found, label: found == label),
    ("n_attachments", "attachments", "attachments", lambda found, label: len(found) == label),
    ("body_text", "text", "text", lambda found, label: words(found) == words(label)),
    ("contains", "text contains", "text", lambda found, label: all(re.search(one, found) for one in label)),
    ("reply", "visible reply", "reply", lambda found, label: words(found) == words(label)),
)
_DETECTED = (
    ("is_bounce", "bounce", "is_bounce"),
    ("is_complaint", "complaint", "is_complaint"),
    ("is_auto", "automatic reply", "is_auto_reply"),
)


def judged(labels: Labels, record: Record) -> Iterator[tuple[str, bool]]:
    """Pairs of measure and whether it was met, for the labels of a file and what a reader knows to say of it."""
    for label, measure, key, right in _EXACT:
        if label in labels and key in record:
            yield measure, right(record[key], labels[label])
    for label, measure, key in _DETECTED:
        if label in labels and key in record:
            yield f"{measure} {'recall' if labels[label] else 'specificity'}", record[key] == labels[label]
    if "reply" in record and labels.get("reply") != "" and (record.get("text") or "").strip():
        yield "visible reply not empty", bool(record["reply"].strip())
