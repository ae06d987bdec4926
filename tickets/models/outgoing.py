"""What we tell people, one row each, and the ledger that says who has heard what."""

from django.db import models
from django.db.models import Q

from tickets.models.conversation import Entry, Problem, Requester, Ticket
from tickets.models.work import Work


class Lane(models.TextChoices):
    """Celery queues for outgoing work: an agent's reply never waits behind bulk."""

    LIVE = "live", "live"
    BULK = "bulk", "bulk"


class Outgoing(Work):
    """One mail to one address. The Message-ID is fixed before the first attempt."""

    class Kind(models.TextChoices):
        REPLY = "reply", "agent's reply"
        ACKNOWLEDGEMENT = "ack", "acknowledgement"
        BROADCAST = "broadcast", "reply in bulk"
        UPDATE = "update", "status update to a subscriber"
        ALERT = "alert", "alert to staff"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    lane = models.CharField(max_length=4, choices=Lane.choices, default=Lane.LIVE)
    to = models.CharField(max_length=320)
    requester = models.ForeignKey(Requester, null=True, blank=True, on_delete=models.PROTECT, related_name="outgoing")
    ticket = models.ForeignKey(Ticket, null=True, blank=True, on_delete=models.PROTECT, related_name="outgoing")
    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.SET_NULL, related_name="outgoing")
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.SET_NULL, related_name="outgoing")
    group = models.CharField(max_length=64, blank=True, help_text="What it was sent with, e.g. broadcast:7")
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    message_id = models.CharField(max_length=255, unique=True)
    provider_id = models.CharField(max_length=255, blank=True, db_index=True)
    resent = models.BooleanField(
        default=False, help_text="An uncertain reply is resent once, under the same Message-ID"
    )
    delivered_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "outgoing"
        indexes = [
            models.Index(fields=["lane", "due_at"], condition=Q(state="queued"), name="outgoing_queued"),
            models.Index(fields=["due_at"], condition=Q(state="queued", kind="ack"), name="outgoing_acks"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="outgoing_sending"),
            models.Index(fields=["group", "state"], name="outgoing_group"),
            models.Index(fields=["created_at"], condition=Q(kind="ack"), name="outgoing_acks_made"),
            models.Index(
                fields=["state", "-id"], condition=Q(state__in=["failed", "uncertain"]), name="outgoing_trouble"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"


class Told(models.Model):
    """One person hears one thing once. `about`: `update:12`, `ack:problem:3`, `ack:day:…`."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="told")
    about = models.CharField(max_length=64)
    outgoing = models.ForeignKey(Outgoing, null=True, blank=True, on_delete=models.SET_NULL, related_name="told")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "told"
        constraints = [models.UniqueConstraint(fields=["requester", "about"], name="told_once")]

    def __str__(self) -> str:
        return f"{self.requester_id} {self.about}"


class Restraint(models.Model):
    """How often something happened in one hour that the loop guard bounds. Hours that are over are deleted."""

    key = models.CharField(max_length=300)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "hour"], name="restraint_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.count}"


class Rate(models.Model):
    """A global rate, one row each: `next_at` is the time of the next free slot."""

    name = models.CharField(max_length=64, unique=True)
    per_second = models.FloatField(default=10)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.per_second}/s"
