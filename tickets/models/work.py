"""The shape of work to be done: a row with a state, claimed before it is acted on."""

from django.db import models


class WorkState(models.TextChoices):
    """`uncertain`: claimed, and nobody knows whether the outside world saw it."""

    QUEUED = "queued", "queued"
    SENDING = "sending", "sending"
    SENT = "sent", "sent"
    FAILED = "failed", "failed"
    SUPPRESSED = "suppressed", "suppressed"
    UNCERTAIN = "uncertain", "uncertain"


class Work(models.Model):
    """A row that a worker acts on once. Verbs live in `tickets/work.py`."""

    state = models.CharField(max_length=10, choices=WorkState.choices, default=WorkState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="Not before this time (UTC)")
    claimed_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
