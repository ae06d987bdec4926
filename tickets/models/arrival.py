"""What reached us, made durable before it is understood."""

from django.db import models
from django.db.models import Q


class Channel(models.TextChoices):
    """The doors. `(channel, key)` is unique, so a retry finds its row."""

    MAIL_WEBHOOK = "mail_webhook", "mail webhook"
    MAILBOX = "mailbox", "mailbox"
    MAIL_PIPE = "mail_pipe", "mail pipe"
    WEB_FORM = "web_form", "web form"
    API = "api", "API"
    CALL = "call", "call"
    TEXT = "text", "text message"
    SUBSCRIPTION = "subscription", "subscription"


class Medium(models.TextChoices):
    """How people reached us, as charts and the desk name it."""

    PHONE = "phone", "phone"
    EMAIL = "email", "email"
    WEB = "web", "web form"
    API = "api", "API"
    TEXT = "text", "text message"


MEDIUM_OF: dict[str, Medium] = {
    Channel.MAIL_WEBHOOK: Medium.EMAIL,
    Channel.MAILBOX: Medium.EMAIL,
    Channel.MAIL_PIPE: Medium.EMAIL,
    Channel.WEB_FORM: Medium.WEB,
    Channel.API: Medium.API,
    Channel.CALL: Medium.PHONE,
    Channel.TEXT: Medium.TEXT,
    Channel.SUBSCRIPTION: Medium.WEB,
}


class CountsAs(models.TextChoices):
    """Empty until understood. Only contacts and the not yet understood feed detection."""

    CONTACT = "contact", "contact"
    STEP = "step", "further step of a contact already counted"
    BOUNCE = "bounce", "bounce"
    AUTOMATIC = "automatic", "automatic answer"
    SPAM = "spam", "spam"
    OWN = "own", "our own"
    SIMULATED = "simulated", "simulated"
    BULK_ANSWER = "bulk_answer", "answer to our bulk mail"


class ArrivalState(models.TextChoices):
    ACCEPTED = "accepted", "accepted"
    UNDERSTOOD = "understood", "understood"
    UNREADABLE = "unreadable", "unreadable"
    WAITING = "waiting", "waiting to be tried again"


class Arrival(models.Model):
    """One thing that reached us. `payload` is what its reader needs; large bodies are blobs (`blob` = SHA-256)."""

    channel = models.CharField(max_length=16, choices=Channel.choices)
    key = models.CharField(max_length=255)
    sender = models.CharField(max_length=320, blank=True, help_text="E.164 number or email address, empty if unknown")
    line = models.CharField(
        max_length=64, blank=True, help_text="Series below the channel: the line's key, the mailbox"
    )
    happened_at = models.DateTimeField()
    accepted_at = models.DateTimeField(auto_now_add=True)
    payload = models.JSONField(default=dict)
    blob = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=ArrivalState.choices, default=ArrivalState.ACCEPTED)
    counts_as = models.CharField(max_length=12, choices=CountsAs.choices, blank=True)
    counted = models.BooleanField(default=False, help_text="False: its minute is to be counted anew")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="arrival_once")]
        indexes = [
            models.Index(fields=["happened_at"], name="arrival_happened"),
            models.Index(fields=["line", "happened_at"], name="arrival_line"),
            models.Index(fields=["id"], condition=Q(counted=False), name="arrival_uncounted"),
            models.Index(fields=["id"], condition=Q(state__in=["accepted", "waiting"]), name="arrival_open"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.key}"

    @property
    def medium(self) -> Medium:
        return MEDIUM_OF[self.channel]
