"""What people write about in a surge: the subjects most of them chose, a hint for whoever names the incident."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from tickets.models import Medium, Ticket

# Newest tickets looked at, subjects told, and people without whom a subject is nobody's but its writer's.
LOOK, MOST, FEWEST = 2_000, 5, 2
_ANSWER = re.compile(r"^(?:(?:re|aw|fwd?|wg|sv|tr|rv|antw)\s*:\s*)+", re.IGNORECASE)


def frequent(written: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Pure: (subject, person) → subjects as most spelled them, with how many people chose each; the most first."""
    people: dict[str, set[int]] = defaultdict(set)
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for subject, person in written:
        plain = " ".join(_ANSWER.sub("", subject.strip()).split())
        key = plain.casefold().rstrip(" .!?…")
        if key:
            people[key].add(person)
            spelled[key][plain] += 1
    told = sorted(((key, len(who)) for key, who in people.items() if len(who) >= FEWEST), key=lambda one: -one[1])
    return [(spelled[key].most_common(1)[0][0], count) for key, count in told[:MOST]]


def since(began: datetime, ended: datetime | None = None) -> list[tuple[str, int]]:
    """Frequent subjects of what was written in this time, among the newest tickets; callers give no subject."""
    newest = Ticket.objects.exclude(medium=Medium.PHONE).order_by("-pk")
    rows = newest.values_list("subject", "requester_id", "created_at")[:LOOK]
    return frequent((subject, who) for subject, who, at in rows if at >= began and (ended is None or at <= ended))
