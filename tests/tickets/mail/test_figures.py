"""How much of the real mail is read as people labelled it; each figure with its n and its Wilson interval."""

import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from math import sqrt

import pytest

from tickets.mail.reading import read
from tickets.mail.visible import visible_reply
from tickets.message import InboundMessage, Report

NOW = datetime(2026, 11, 23, tzinfo=UTC)

# Shares that must not be lost again; the figures themselves are printed (pytest -s).
FLOORS = {
    "subject": 0.97,
    "from address": 0.98,
    "from name": 0.98,
    "attachments": 0.88,
    "text": 0.9,
    "text contains": 0.95,
    "bounce recall": 0.97,
    "bounce specificity": 0.99,
    "complaint recall": 0.85,
    "automatic recall": 0.99,
    "automatic specificity": 0.98,
    "visible reply": 0.45,
    "visible reply not empty": 1.0,
}


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval in which the share lies with 95 % (Wilson 1927)."""
    share, spread = right / n, z * sqrt(right / n * (1 - right / n) / n + z * z / (4 * n * n))
    middle = share + z * z / (2 * n)
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def words(text: str | None) -> str:
    return " ".join((text or "").split())


def of_message(labels: dict, message: InboundMessage):
    """Pairs of measure and whether it was met, for the labels that a message carries."""
    kinds = {one.kind for one in message.bounces}
    names = [file.name for file in message.attachments]
    written_by = message.payload.get("from") or message.sender
    for label, measure, right in (
        ("subject", "subject", lambda value: message.subject == value),
        ("from_email", "from address", lambda value: written_by == (value or "").lower()),
        ("display", "from name", lambda value: message.name == (value or "")),
        ("attachments", "attachments", lambda value: names == value),
        ("n_attachments", "attachments", lambda value: len(names) == value),
        ("body_text", "text", lambda value: words(message.text) == words(value)),
        ("contains", "text contains", lambda value: all(re.search(one, message.text) for one in value)),
    ):
        if label in labels:
            yield measure, right(labels[label])
    for label, name, found in (
        ("is_bounce", "bounce", bool(kinds - {Report.COMPLAINT})),
        ("is_complaint", "complaint", Report.COMPLAINT in kinds),
        ("is_auto", "automatic", message.automatic),
    ):
        if label in labels:
            yield f"{name} {'recall' if labels[label] else 'specificity'}", found == labels[label]
    if message.text.strip():
        yield "visible reply not empty", bool(message.visible.strip())


def of_body(labels: dict, text: str):
    if "reply" in labels:
        yield "visible reply", words(visible_reply(text)) == words(labels["reply"])
    yield "visible reply not empty", bool(visible_reply(text)) or not text.strip()


@pytest.fixture
def figures(data_folder):
    found = defaultdict(list)
    for line in (data_folder / "mail" / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        labels = json.loads(line)
        raw = (data_folder / "mail" / labels["file"]).read_bytes()
        is_body = labels["kind"] == "body"
        pairs = of_body(labels, raw.decode("utf-8", "replace")) if is_body else of_message(labels, read(raw, NOW))
        for measure, right in pairs:
            found[measure].append(right)
    return found


def test_real_mail_is_read_as_people_labelled_it(figures):
    below = []
    for measure, floor in FLOORS.items():
        right, n = sum(figures[measure]), len(figures[measure])
        low, high = wilson(right, n)
        print(f"{measure:24} {right:4}/{n:<4} {right / n:6.1%}  [{low:.1%}, {high:.1%}]")
        below += [measure] if right / n < floor else []
    assert not below
