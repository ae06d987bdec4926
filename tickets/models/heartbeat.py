"""Signs of life: which minutes a source showed some, and how it is now."""

from django.db import models


class Pulse(models.Model):
    """How one source of arrivals is now. `source`: front, voice, mailbox:<name>."""

    source = models.CharField(max_length=330, unique=True)
    first_at = models.DateTimeField(null=True, blank=True, help_text="From here on it is expected to give heartbeats")
    last_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.source


class Heartbeat(models.Model):
    """A minute in which a source showed life."""

    source = models.CharField(max_length=330)
    minute = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["minute", "source"], name="heartbeat_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.minute:%F %H:%M}"
