"""The nouns of alerting: what managers are told, by which routes, and who has heard it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tickets.models import Outgoing, Work


class AlertRoute(models.Model):
    """A way in which alerts reach people: a service by its apprise URL, or mail to each manager."""

    class Step(models.IntegerChoices):
        FIRST = 1, "at once"
        SECOND = 2, "when nobody has acknowledged"

    name = models.CharField(max_length=80, unique=True)
    url = models.CharField(max_length=1000, blank=True, help_text="An apprise URL, secret; empty: each manager's mail")
    shown = models.CharField(max_length=200, blank=True, help_text="What pages show of the URL: no secrets")
    pages = models.BooleanField(default=True, help_text="It takes what somebody has to look at now")
    notices = models.BooleanField(default=False, help_text="It takes what is worth knowing")
    step = models.PositiveSmallIntegerField(choices=Step.choices, default=Step.FIRST)
    on = models.BooleanField(default=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_error = models.TextField(blank=True, help_text="What came of the last test; empty: it arrived")

    class Meta:
        ordering = ["step", "name"]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """One thing that managers are told. Of a kind that lasts, one is open at a time."""

    class Level(models.TextChoices):
        NOTICE = "notice", "notice"
        PAGE = "page", "page"

    kind = models.CharField(max_length=120, help_text="What it is about: surge:12, refused:voice …")
    level = models.CharField(max_length=6, choices=Level.choices)
    lasting = models.BooleanField(help_text="It is over only when its end is told")
    subject = models.CharField(max_length=200)
    text = models.TextField()
    end_subject = models.CharField(max_length=200, blank=True)
    end_text = models.TextField(blank=True)
    surge = models.ForeignKey("triage.Surge", null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    made_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    acknowledged_as = models.CharField(max_length=200, blank=True, help_text="Who it was where nobody was signed in")
    escalated_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_told_at = models.DateTimeField(null=True, blank=True, help_text="When those who were told heard of the end")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(lasting=True, ended_at__isnull=True), name="alert_one_open_per_kind"
            )
        ]
        indexes = [
            models.Index(fields=["kind", "-made_at"], name="alert_kind_made"),
            models.Index(fields=["-made_at"], condition=Q(acknowledged_at__isnull=True), name="alert_unanswered"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class AlertDelivery(Work):
    """One recipient hears one thing of an alert once. Mail is done when the outbox has it, whose row says the rest."""

    class What(models.TextChoices):
        TELL = "tell", "the alert"
        END = "end", "its end"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    what = models.CharField(max_length=4, choices=What.choices)
    to = models.CharField(max_length=320, help_text="route:3, env:<hash> or mail:<address>")
    name = models.CharField(max_length=320, help_text="The recipient, as people read it")
    step = models.PositiveSmallIntegerField(choices=AlertRoute.Step.choices)
    outgoing = models.ForeignKey(Outgoing, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name_plural = "alert deliveries"
        constraints = [models.UniqueConstraint(fields=["alert", "what", "to"], name="alert_delivery_once")]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=["queued", "sending"]), name="alert_delivery_open"),
            models.Index(fields=["state", "-id"], condition=Q(state__in=["failed", "uncertain"]), name="alert_trouble"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.to} {self.state}"

    @property
    def outcome(self) -> str:
        """The state that counts: the mail's, where it is one."""
        return self.outgoing.state if self.outgoing else self.state
