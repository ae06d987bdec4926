"""Many refused webhooks alarm the managers: somebody forges them, or a secret was changed on one side only."""

from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from tickets.channels import refusals
from triage import alerts
from triage.models import Alert

# Refusals of one door within a minute that alarm; two minutes are looked at, since one may just have begun.
MANY = 20
LOOK_BACK = 2
# The same door alarms again only after this long.
QUIET = timedelta(hours=1)


def look(now: datetime | None = None) -> list[str]:
    """Alarms for each door that refused many requests just now. Returns the doors that were alarmed about."""
    now = now or timezone.now()
    loud = {door: count for door, count in refusals.recent(LOOK_BACK).items() if count >= MANY}
    alarmed = [door for door in loud if not _alarmed_since(door, now - QUIET)]
    for door in alarmed:
        words = {
            "door": door,
            "count": loud[door],
            "minutes": LOOK_BACK,
            "link": settings.PUBLIC_URL + reverse("control"),
        }
        subject, _, text = render_to_string("triage/alerts/refused.txt", words).partition("\n")
        alerts.notify(f"refused:{door}", subject.strip(), text.strip() + "\n")
    return alarmed


def _alarmed_since(door: str, moment: datetime) -> bool:
    return Alert.objects.filter(kind=f"refused:{door}", made_at__gte=moment).exists()
