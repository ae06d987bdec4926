"""PINs of managers who switch lines from a phone: kept hashed, tried a few times only, every attempt written down.

A number that calls proves nothing, since caller IDs are forged; it only says whose PIN would be right. So an attacker
needs a manager's number and guesses at one PIN of six digits or more: five a day.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from tickets import audit
from tickets.roles import ROLES, Power, powers_of
from voice.hand_over import Wanted
from voice.models import DialIn, DialInNumber, PinAttempt

Outcome = PinAttempt.Outcome

# Digits of a PIN, and numbers that one person may dial in from.
SHORTEST, LONGEST, MOST_NUMBERS = 6, 12, 5
# Wrong ones that lock a number, counted since the last right one and for so long; and those that lock all.
OF_NUMBER, OF_NUMBER_FOR = 5, timedelta(hours=24)
OF_ALL, OF_ALL_FOR = 20, timedelta(hours=1)
# How long an attempt is kept. No rule looks back further than a day; its owner's page may for a month.
KEPT = timedelta(days=30)
_RUNS = "0123456789" * 2, "9876543210" * 2


class Taken(ValueError):
    """A number belongs to another manager already."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of a PIN, and whose it is."""

    outcome: str
    user: Any
    at: datetime


def weakness(pin: str, numbers: Sequence[str] = ()) -> str:
    """Pure: why a PIN is none that may be set; empty if it may. `numbers`: those of its owner, E.164."""
    if not pin.isascii() or not pin.isdecimal() or not SHORTEST <= len(pin) <= LONGEST:
        return f"A PIN has {SHORTEST} to {LONGEST} digits and nothing else."
    if len(set(pin)) < 3 or any(pin in run for run in _RUNS):
        return "This PIN is among the first that anybody would try. Choose another."
    if any(pin == pin[:size] * (len(pin) // size) for size in (2, 3)):
        return "This PIN repeats itself. Choose another."
    if any(pin in number for number in numbers):
        return "This PIN is a part of your phone number. Choose another."
    return ""


def lock(of_number: int, of_all: int) -> str:
    """Pure: what so many wrong PINs have locked: "number", "all", or nothing (empty)."""
    if of_number >= OF_NUMBER:
        return "number"
    return "all" if of_all >= OF_ALL else ""


def numbers_let_in() -> list[str]:
    """The numbers whose callers are asked for a PIN: of managers, as long as they are. One query."""
    roles = [name for name, powers in ROLES.items() if Power.RUN_INCIDENTS in powers]
    may = Q(dial_in__user__groups__name__in=roles) | Q(dial_in__user__is_superuser=True)
    rows = DialInNumber.objects.filter(may, dial_in__user__is_active=True)
    return sorted(set(rows.values_list("number", flat=True)))


def check(number: str, pin: str, *, sid: str, place: int, wanted: Wanted) -> Entered | None:
    """Whether this is the PIN of who calls from `number`; None where nobody may from there. The same call asking again
    gets the same answer.

    Hashing takes long on purpose: it is done before a row is locked, and not at all while no PIN is taken. Calls at the
    same moment get no more guesses than one after another. Raises what the database raises.
    """
    owner = DialIn.objects.select_related("user").filter(numbers__number=number).first()
    if owner is None or not may_switch(owner.user):
        return None
    now = timezone.now()
    right = not lock(_wrong_of(owner, now)[number], _wrong_of_all(now)) and check_password(pin, owner.pin)
    with transaction.atomic():
        if not DialIn.objects.select_for_update().filter(pk=owner.pk).first():
            return None
        known = PinAttempt.objects.filter(call_sid=sid, place=place, dial_in=owner).first()
        attempt = known or _attempt(owner, number, sid, place, right=right)
        wanted()
    return Entered(attempt.outcome, owner.user, attempt.at)


def may_switch(user: Any) -> bool:
    """Whether somebody may switch lines, today."""
    return Power.RUN_INCIDENTS in powers_of(user)


def keep(user: Any, numbers: Sequence[str], pin: str = "") -> None:
    """Sets whence somebody dials in (E.164) and, where one is given, their PIN; a new one unlocks. Taken, ValueError
    for a first time without a PIN."""
    now = timezone.now()
    with transaction.atomic():
        owner = DialIn.objects.select_for_update().filter(user=user).first()
        if owner is None and not pin:
            raise ValueError("Choose a PIN.")
        if owner is None:
            owner = DialIn(user=user)
        if pin:
            owner.pin, owner.set_at = make_password(pin), now
        owner.save()
        owner.numbers.exclude(number__in=numbers).delete()
        for number in numbers:
            _keep_number(owner, number)
        audit.record(user, "dial_in.set", user.username, numbers=list(numbers), new_pin=bool(pin))


def take_away(user: Any) -> bool:
    """Nobody dials in as this person any more, and calls under way can switch nothing. False if nobody could."""
    with transaction.atomic():
        deleted, _ = DialIn.objects.filter(user=user).delete()
        if deleted:
            audit.record(user, "dial_in.remove", user.username)
    return bool(deleted)


def locked(owner: DialIn, now: datetime) -> bool:
    """Whether one of this person's numbers is locked."""
    return any(lock(wrong, 0) for wrong in _wrong_of(owner, now).values())


def take_lockouts(now: datetime) -> list[PinAttempt]:
    """Attempts that locked something and that managers were not told of; each is taken once."""
    rows = PinAttempt.objects.filter(told_at=None).exclude(locks="").select_related("dial_in__user")
    return [row for row in rows.order_by("pk") if rows.filter(pk=row.pk).update(told_at=now)]


def forget(before: datetime) -> int:
    """Deletes attempts made before that, but none that locked something of which managers are still to be told.

    Who tried what stays in the audit trail.
    """
    untold = Q(told_at=None) & ~Q(locks="")
    deleted, _ = PinAttempt.objects.filter(at__lt=before).exclude(untold).delete()
    return deleted


def _attempt(owner: DialIn, number: str, sid: str, place: int, *, right: bool) -> PinAttempt:
    """Writes an attempt down, in the caller's transaction."""
    now = timezone.now()
    of_number, of_all = _wrong_of(owner, now)[number], _wrong_of_all(now)
    if lock(of_number, of_all):
        outcome, locks = Outcome.REFUSED, ""
    elif right:
        outcome, locks = Outcome.RIGHT, ""
    else:
        outcome, locks = Outcome.WRONG, lock(of_number + 1, of_all + 1)
    attempt = PinAttempt.objects.create(
        dial_in=owner, number=number, call_sid=sid, place=place, at=now, outcome=outcome, locks=locks
    )
    # Nobody has signed in yet: whose PIN it was meant for is told, not who it was.
    known = owner.user if outcome == Outcome.RIGHT else None
    audit.record(known, f"dial_in.{outcome}", owner.user.username, number=number, call=sid, locks=locks)
    return attempt


def _wrong_of(owner: DialIn, now: datetime) -> Counter[str]:
    """By number, the wrong ones since the last right one. No more rows than a lock lets in."""
    since = max(now - OF_NUMBER_FOR, owner.set_at)
    tried = owner.attempts.filter(at__gte=since, outcome__in=[Outcome.RIGHT, Outcome.WRONG]).order_by("at", "pk")
    wrong: Counter[str] = Counter()
    for number, outcome in tried.values_list("number", "outcome"):
        wrong[number] = 0 if outcome == Outcome.RIGHT else wrong[number] + 1
    return wrong


def _wrong_of_all(now: datetime) -> int:
    return PinAttempt.objects.filter(at__gte=now - OF_ALL_FOR, outcome=Outcome.WRONG).count()


def _keep_number(owner: DialIn, number: str) -> None:
    try:
        with transaction.atomic():
            DialInNumber.objects.get_or_create(dial_in=owner, number=number)
    except IntegrityError as error:
        raise Taken(number) from error
