"""Who asked, what about, and everything that was said."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tickets.models.arrival import Arrival, Medium


class Requester(models.Model):
    """A person who asks us. Their addresses and numbers are identities."""

    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True, help_text="BCP 47")
    time_zone = models.CharField(max_length=64, blank=True)
    vip = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name or f"requester {self.pk}"


class Identity(models.Model):
    """One address (lower case) or number (E.164) of a requester. Suppressed ones get no mail from us."""

    class Kind(models.TextChoices):
        EMAIL = "email", "email address"
        PHONE = "phone", "phone number"

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    value = models.CharField(max_length=320)
    suppressed_at = models.DateTimeField(null=True, blank=True)
    suppressed_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="identity_once")]
        verbose_name_plural = "identities"

    def __str__(self) -> str:
        return self.value


class Problem(models.Model):
    """What tickets have in common. An incident above is one-to-one with it; tickets knows no more."""

    title = models.CharField(max_length=200)
    open = models.BooleanField(default=True)
    pauses_sla = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class Ticket(models.Model):
    """One matter of one requester. `waiting_since` is set while the requester waits for us."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        PENDING = "pending", "waiting for the customer"
        SOLVED = "solved", "solved"
        CLOSED = "closed", "closed"

    subject = models.CharField(max_length=300, blank=True)
    requester = models.ForeignKey(Requester, on_delete=models.PROTECT, related_name="tickets")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    medium = models.CharField(max_length=8, choices=Medium.choices)
    language = models.CharField(max_length=35, blank=True, help_text="BCP 47")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged")
    unreadable = models.BooleanField(default=False)
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(auto_now=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the requester should have an answer (SLA)")
    solved_at = models.DateTimeField(null=True, blank=True)
    last_text = models.CharField(max_length=240, blank=True, help_text="Start of the newest message, for the queue")
    last_from = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["waiting_since", "id"], condition=Q(state="open"), name="ticket_open_queue"),
            models.Index(fields=["assignee", "waiting_since"], condition=Q(state="open"), name="ticket_mine"),
            models.Index(fields=["-solved_at", "-id"], condition=Q(state="solved"), name="ticket_solved"),
            models.Index(fields=["problem", "state"], name="ticket_problem"),
            models.Index(fields=["requester", "-id"], name="ticket_requester"),
            models.Index(fields=["-changed_at"], name="ticket_changed"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.subject}"


class Entry(models.Model):
    """One thing said or done on a ticket, in order. Other packages write theirs with their own payload."""

    class Kind(models.TextChoices):
        MESSAGE = "message", "message from the customer"
        REPLY = "reply", "reply to the customer"
        NOTE = "note", "internal note"
        CALL = "call", "call"
        VOICEMAIL = "voicemail", "voicemail"
        CALLBACK = "callback", "callback"
        AUTOMATIC = "automatic", "automatic answer"
        BOUNCE = "bounce", "bounce"
        EVENT = "event", "event"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    sender = models.CharField(max_length=320, blank=True)
    sender_name = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True, help_text="All of it")
    visible = models.TextField(blank=True, help_text="The new words, quoted text and signature folded away")
    html = models.TextField(blank=True, help_text="Sanitised")
    payload = models.JSONField(default=dict, blank=True)
    arrival = models.OneToOneField(Arrival, null=True, blank=True, on_delete=models.PROTECT, related_name="entry")
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["happened_at", "id"]
        indexes = [models.Index(fields=["happened_at"], condition=Q(kind="message"), name="entry_messages")]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.kind} on #{self.ticket_id}"


class MessageReference(models.Model):
    """A Message-ID that an entry bears (`own`) or refers to, so that mail may be understood out of order."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="references")
    message_id = models.CharField(max_length=255, db_index=True)
    own = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.message_id


class Attachment(models.Model):
    """A file of an entry; its bytes are a blob (`tickets/blobs.py`)."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    blob = models.CharField(max_length=64)
    content_id = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return self.name
