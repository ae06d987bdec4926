"""What people write about, as managers name it: words by which arrivals are counted into a series of their own."""

from django.conf import settings
from django.db import models

from tickets.models.arrival import Arrival


class Topic(models.Model):
    """A name and words or phrases, any of which makes an arrival one of it. Its series is `topic:<key>`."""

    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    words = models.JSONField(default=list)
    arrivals = models.ManyToManyField(Arrival, related_name="topics")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    reading_from = models.PositiveBigIntegerField(
        default=0, help_text="Earlier entries are looked through from this id"
    )
    reading_at = models.PositiveBigIntegerField(default=0, help_text="The last entry that was looked through")
    reading_to = models.PositiveBigIntegerField(default=0, help_text="The last entry that was there when it was made")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
