"""Whether everybody who was sent is found again, once. Pure: what was sent against what was found."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Sent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What the product holds. Keys are tokens, numbers, addresses; values how often each stands there."""

    tickets: Counter[str] = field(default_factory=Counter)  # token → messages that carry it
    calls: Counter[str] = field(default_factory=Counter)  # call SID → calls
    callbacks: Counter[str] = field(default_factory=Counter)  # number → callbacks asked for
    acknowledgements: Counter[str] = field(default_factory=Counter)  # address → acknowledgements written
    mails: Counter[str] = field(default_factory=Counter)  # Message-ID → copies that left


@dataclass(frozen=True, slots=True)
class Reckoning:
    sent: int
    accepted: int
    lost: list[str]
    doubled: list[str]

    @property
    def clean(self) -> bool:
        return not self.lost and not self.doubled


def reckon(sent: Iterable[Sent], found: Found) -> Reckoning:
    """Compares. A contact that was accepted and is not found is lost; what stands there twice is doubled."""
    lines = list(sent)
    lost: list[str] = []
    doubled = [f"mail {key}" for key, copies in found.mails.items() if copies > 1]
    for line in lines:
        if line["accepted"]:
            for what, times in _traces(line, found):
                if times == 0:
                    lost.append(what)
                elif times > 1:
                    doubled.append(what)
    return Reckoning(len(lines), sum(bool(line["accepted"]) for line in lines), lost, doubled)


def _traces(line: Sent, found: Found) -> list[tuple[str, int]]:
    """Each trace that an accepted contact must have left exactly once, and how often it is there."""
    token = line["token"]
    if line["medium"] != "phone":
        return [
            (f"{line['medium']} {token}", found.tickets[token]),
            (f"acknowledgement to {line['email']}", found.acknowledgements[line["email"]]),
        ]
    traces = [(f"call {token}", found.calls[f"CA{token}"])]
    if line.get("callback"):
        traces.append((f"callback {line['number']}", found.callbacks[line["number"]]))
    return traces
