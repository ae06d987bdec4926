"""Global rates, one row each: a slot is taken by compare and swap, so that all processes together keep the pace."""

from datetime import datetime, timedelta

from django.utils import timezone

from tickets.models import Rate


def take(name: str, per_second: float, *, count: int = 1, patience: float = 0.0) -> float | None:
    """Takes `count` slots; returns the seconds until the first (0: now), or None when that is beyond `patience`."""
    while True:
        now = timezone.now()
        free_at = _free_at(name, per_second, now)
        start = max(now, free_at)
        wait = (start - now).total_seconds()
        if wait > patience:
            return None
        if _move(name, free_at, start + timedelta(seconds=count / per_second), per_second):
            return wait


def spend(name: str, per_second: float) -> None:
    """Takes a slot without waiting for it: what may not wait goes first, and the others after it wait longer."""
    while True:
        now = timezone.now()
        free_at = _free_at(name, per_second, now)
        # Never more than a second ahead, so that a burst of these cannot starve the others.
        ahead = min(max(now, free_at) + timedelta(seconds=1 / per_second), max(free_at, now + timedelta(seconds=1)))
        if _move(name, free_at, ahead, per_second):
            return


def hold(name: str, seconds: float) -> None:
    """Nobody gets a slot for this long: the other side is away."""
    until = timezone.now() + timedelta(seconds=seconds)
    if not Rate.objects.filter(name=name).update(next_at=until):
        Rate.objects.get_or_create(name=name, defaults={"next_at": until})


def _free_at(name: str, per_second: float, now: datetime) -> datetime:
    found = Rate.objects.filter(name=name).values_list("next_at", flat=True).first()
    if found is None:
        defaults = {"next_at": now, "per_second": per_second}
        return Rate.objects.get_or_create(name=name, defaults=defaults)[0].next_at
    return found


def _move(name: str, seen: datetime, to: datetime, per_second: float) -> int:
    return Rate.objects.filter(name=name, next_at=seen).update(next_at=to, per_second=per_second)
