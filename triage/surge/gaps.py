"""Minutes of which nothing is known: whose heartbeats were missing, and which series that blinds.

A series is missing in a minute when the sources that gave no heartbeat usually bring at least half of it: a mailbox
that is down blinds its own line, the mail as a whole only where most mail comes through it, and all channels together
only where most of everything does. Lines of the telephone share the telephone's gaps, topics those of all channels.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Sum

from tickets import heartbeats
from tickets.heartbeats import FRONT, MAILBOX
from tickets.models import Medium
from triage.models import Gap, HourCount
from triage.surge.baseline import minute_of
from triage.surge.series import ALL

# The share of a series that has to come through sources without a heartbeat.
MOST = 0.5
# How far back is looked for what is usual.
USUAL = timedelta(days=28)
VOICE = "voice"

Shares = Mapping[str, Mapping[str, float]]
Spans = Sequence[tuple[int, int]]


def shares(sums: Mapping[str, int], mailboxes: Collection[str]) -> dict[str, dict[str, float]]:
    """Pure: what each source brings to each scope, of arrivals by series. A source without heartbeats is "".

    Where nothing has come yet a scope belongs to the source that it would come through.
    """
    found: dict[str, dict[str, float]] = defaultdict(dict)
    least = 1e-6
    by_mailbox = {f"{MAILBOX}{name}": sums.get(f"line:{name}", 0) + least for name in mailboxes}
    for source, number in by_mailbox.items():
        found[f"line:{source.removeprefix(MAILBOX)}"] = {source: number}
    mail = max(sums.get(f"medium:{Medium.EMAIL}", 0) - sum(by_mailbox.values()), 0.0 if by_mailbox else least)
    found[f"medium:{Medium.EMAIL}"] = {**by_mailbox, FRONT: mail}
    for medium, source in ((Medium.PHONE, VOICE), (Medium.TEXT, VOICE), (Medium.WEB, FRONT), (Medium.API, "")):
        found[f"medium:{medium}"] = {source: sums.get(f"medium:{medium}", 0) + least}
    for medium in Medium:
        for source, number in found[f"medium:{medium}"].items():
            found[ALL][source] = found[ALL].get(source, 0) + number
    return dict(found)


def blinded(dead: Collection[str], usual: Shares) -> set[str]:
    """Pure: the scopes that are missing while these sources give no heartbeat."""
    return {
        scope
        for scope, sources in usual.items()
        if sum(sources.get(source, 0) for source in dead) >= MOST * max(sum(sources.values()), 1e-9)
    }


def scope_of(series: str) -> str:
    """The scope whose gaps a series shares."""
    kind, _, key = series.partition(":")
    if kind == "line":
        # Mailboxes are named user@host/folder, the lines of other mail by an address.
        return series if "/" in key else f"medium:{Medium.EMAIL if '@' in key else Medium.PHONE}"
    return series if kind == "medium" else ALL


def decide(after: datetime, upto: datetime, expected: Collection[str]) -> None:
    """Notes what is missing of the minutes after `after` up to `upto`, from the heartbeats that were given by now.

    Decided once, when the detectors come by: later readings of the same minutes must not differ.
    """
    dead = heartbeats.missing(after + timedelta(minutes=1), upto, expected)
    if not dead:
        return
    mailboxes = [source.removeprefix(MAILBOX) for source in expected if source.startswith(MAILBOX)]
    usual = shares(_sums(upto - USUAL, mailboxes), mailboxes)
    spans: dict[str, list[list[datetime]]] = defaultdict(list)
    for minute in sorted(dead):
        for scope in blinded(dead[minute], usual):
            known = spans[scope]
            if known and known[-1][1] == minute:
                known[-1][1] = minute + timedelta(minutes=1)
            else:
                known.append([minute, minute + timedelta(minutes=1)])
    _write(spans)


def between(start: datetime, end: datetime) -> dict[str, list[tuple[int, int]]]:
    """The gaps that reach into a stretch of time, by scope, as minutes (from, until)."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for scope, began, until in Gap.objects.filter(began__lte=end, until__gt=start).values_list(
        "scope", "began", "until"
    ):
        found[scope].append((minute_of(began), minute_of(until)))
    return found


def covers(spans: Iterable[tuple[int, int]], minute: int) -> bool:
    """Whether a minute lies in one of the gaps."""
    return any(began <= minute < until for began, until in spans)


def forget(now: datetime, kept: timedelta) -> int:
    """Deletes gaps of minutes that are kept no longer."""
    return Gap.objects.filter(until__lt=now - kept).delete()[0]


def _sums(since: datetime, mailboxes: Collection[str]) -> dict[str, int]:
    names = [*(f"medium:{medium}" for medium in Medium), *(f"line:{name}" for name in mailboxes)]
    rows = HourCount.objects.filter(series__in=names, hour__gte=since).values("series").annotate(number=Sum("arrivals"))
    return {row["series"]: row["number"] for row in rows}


def _write(spans: Mapping[str, Sequence[Sequence[datetime]]]) -> None:
    """A span that follows on a gap makes it longer."""
    first = min(found[0][0] for found in spans.values()) if spans else None
    going_on = {gap.scope: gap for gap in Gap.objects.filter(until=first)} if first else {}
    new: list[Gap] = []
    for scope, found in spans.items():
        for began, until in found:
            gap = going_on.get(scope)
            if gap is not None and gap.until == began:
                gap.until = until
            else:
                new.append(Gap(scope=scope, began=began, until=until))
    Gap.objects.bulk_update([gap for gap in going_on.values() if gap.scope in spans], ["until"])
    Gap.objects.bulk_create(new, ignore_conflicts=True)
