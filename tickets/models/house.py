"""What the house itself keeps: notices in force, tokens, invitations, the audit trail, change counters."""

from django.conf import settings
from django.db import models

from tickets.models.overlay import Overlay


class Notice(Overlay):
    """A notice in force. `text` maps BCP 47 languages to words; `about` is what reading it tells (an update's key)."""

    class Target(models.TextChoices):
        WEB_FORM = "web_form", "web form"
        ACKNOWLEDGEMENT = "ack", "acknowledgement"

    target = models.CharField(max_length=8, choices=Target.choices)
    text = models.JSONField(default=dict)
    about = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"notice on {self.target}"


class MailboxState(models.Model):
    """How the polling of a mailbox goes. `name` is `user@host/folder`; the password stands in the settings alone."""

    name = models.CharField(max_length=320, unique=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A key for the API. Only its SHA-256 is kept."""

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A link that lets one person in until it expires, in one role. Only the token's SHA-256 is kept."""

    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=16, default="helper")
    note = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.note or f"invitation {self.pk}"


class AuditEntry(models.Model):
    """Who did what, when and why. Never changed, never deleted."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=64)
    target = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["-at"], name="audit_at")]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


class Change(models.Model):
    """A counter per topic that pages poll against (`tickets/changes.py`)."""

    topic = models.CharField(max_length=64, unique=True)
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.topic} {self.value}"
