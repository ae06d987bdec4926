"""The shape of what is in force for a while: an overlay, never a snapshot that is restored."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q


class OverlayQuerySet(models.QuerySet):
    def in_force(self, now: datetime) -> Self:
        """Overlays in force at `now`, the newest first: the first one per target wins."""
        return self.filter(Q(until__isnull=True) | Q(until__gt=now), since__lte=now, ended_at__isnull=True).order_by(
            "-since", "-pk"
        )


class Overlay(models.Model):
    """Something laid over an everyday setting. `until` needs nobody to end it."""

    problem = models.ForeignKey(
        "tickets.Problem", null=True, blank=True, on_delete=models.PROTECT, related_name="%(class)ss"
    )
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    why = models.CharField(max_length=300, blank=True)

    objects = OverlayQuerySet.as_manager()

    class Meta:
        abstract = True
