"""Managers are told: by mail, through the outbox."""

import logging

from django.contrib.auth.models import User

from tickets import outbox
from tickets.models import Lane, Outgoing

log = logging.getLogger(__name__)


def notify(kind: str, subject: str, text: str) -> int:
    """Queues one mail to each manager who has an address. Returns how many."""
    managers = User.objects.filter(is_active=True, groups__name__in=["manager", "administrator"]).exclude(email="")
    drafts = [
        outbox.Draft(
            kind=Outgoing.Kind.ALERT,
            lane=Lane.LIVE,
            to=address,
            requester=None,
            ticket=None,
            subject=subject,
            text=text,
            group=f"alert:{kind}",
        )
        for address in managers.order_by("pk").values_list("email", flat=True).distinct()
    ]
    log.warning("alert %s: %s", kind, subject)
    return len([row for row in outbox.queue_many(drafts) if row is not None])
