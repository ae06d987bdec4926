"""Invitations: a link, shown once, that lets one person in until it expires."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from tickets import audit
from tickets.models import Invitation

LASTS = timedelta(hours=24)
LONGEST = timedelta(days=14)


class Unusable(Exception):
    """The link is unknown, used, withdrawn or expired."""


def invite(by: Any, *, note: str = "", role: str = "helper", lasts: timedelta = LASTS) -> tuple[Invitation, str]:
    """Makes an invitation and the token of its link. Only the token's hash is kept."""
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            digest=_digest(token), note=note, role=role, by=by, expires_at=timezone.now() + min(lasts, LONGEST)
        )
        audit.record(by, "invitation.make", f"invitation:{invitation.pk}", note=note, role=role)
    return invitation, token


def usable(token: str, now: datetime | None = None) -> Invitation:
    """The invitation of a link. Unusable when it lets nobody in."""
    now = now or timezone.now()
    found = Invitation.objects.filter(
        digest=_digest(token), used_at=None, expires_at__gt=now, by__is_active=True
    ).first()
    if found is None:
        raise Unusable
    return found


def accept(token: str, *, name: str, email: str, password: str) -> Any:
    """Makes the person's account. The invitation is used by the update whose row count decides."""
    now = timezone.now()
    with transaction.atomic():
        invitation = usable(token, now)
        if not Invitation.objects.filter(pk=invitation.pk, used_at=None).update(used_at=now):
            raise Unusable
        first, _, last = name.strip().partition(" ")
        person = get_user_model().objects.create_user(
            username=email.lower(), email=email.lower(), password=password, first_name=first[:150], last_name=last[:150]
        )
        person.groups.set(Group.objects.filter(name=invitation.role))
        Invitation.objects.filter(pk=invitation.pk).update(used_by=person)
        audit.record(person, "invitation.accept", f"invitation:{invitation.pk}", role=invitation.role)
    return person


def withdraw(invitation: Invitation, by: Any) -> bool:
    """Ends an invitation that nobody has used yet."""
    with transaction.atomic():
        now = timezone.now()
        ended = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=now).update(expires_at=now)
        if ended:
            audit.record(by, "invitation.withdraw", f"invitation:{invitation.pk}")
    return bool(ended)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
