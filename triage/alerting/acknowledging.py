"""Somebody is on it: by the button of the product, or by the link that each who was told has got."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from tickets import audit, changes
from triage.alerting.models import Alert, AlertDelivery

SALT = "alert"
# Seconds that a link works: who finds it later is told to look at the product.
LASTS = 24 * 3600
# How long a page that nobody answered is shown over every page.
MATTERS = timedelta(hours=12)


class Expired(Exception):
    """The link was good once."""


class Unknown(Exception):
    """We never made this link, or what it led to is gone."""


def link_of(delivery: AlertDelivery) -> str:
    """The address that acknowledges in the name of who got this delivery."""
    token = signing.dumps(delivery.pk, salt=SALT)
    return settings.PUBLIC_URL + reverse("alert_link", args=[token])


def delivery_of(token: str) -> AlertDelivery:
    """What a link was sent with. Expired or Unknown where it is good for nothing."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=LASTS)
    except signing.SignatureExpired as error:
        raise Expired from error
    except signing.BadSignature as error:
        raise Unknown from error
    found = AlertDelivery.objects.select_related("alert__acknowledged_by").filter(pk=pk).first()
    if found is None:
        raise Unknown
    return found


def acknowledge(alert: Alert, by: Any = None, name: str = "") -> bool:
    """Says that somebody is on it; who is first decides. `by`: a user or None; `name`: who it was without a session."""
    now = timezone.now()
    user = by if by is not None and by.is_authenticated else None
    with transaction.atomic():
        waits = Alert.objects.filter(pk=alert.pk, acknowledged_at=None)
        if not waits.update(acknowledged_at=now, acknowledged_by=user, acknowledged_as="" if user else name[:200]):
            return False
        audit.record(user, "alert.acknowledge", alert.pk, subject=alert.subject, name=name)
        changes.bump("alerts")
    return True


def acknowledge_surge(surge_pk: int, by: Any) -> int:
    """Says so of all that was told of a surge. Returns of how many alerts."""
    waits = Alert.objects.filter(surge_id=surge_pk, acknowledged_at=None, ended_at=None)
    return sum(acknowledge(alert, by) for alert in waits)


def unanswered() -> Alert | None:
    """The newest page that nobody is on yet, while that matters."""
    waits = Alert.objects.filter(level=Alert.Level.PAGE, acknowledged_at=None, ended_at=None)
    return waits.filter(made_at__gte=timezone.now() - MATTERS).order_by("-made_at").first()
