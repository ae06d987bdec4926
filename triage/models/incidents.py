"""Incident mode and all that is told in it: updates, components, bulk replies, subscribers, long work."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tickets.mail.words import languages_of
from tickets.models import Problem, Requester, Work
from triage.models.surges import Surge


class Incident(models.Model):
    """Incident mode for one problem, from entering to leaving."""

    class Impact(models.TextChoices):
        MINOR = "minor", "minor"
        MAJOR = "major", "major"
        CRITICAL = "critical", "critical"

    problem = models.OneToOneField(Problem, on_delete=models.PROTECT, related_name="incident")
    surge = models.ForeignKey(Surge, null=True, blank=True, on_delete=models.SET_NULL, related_name="incidents")
    preview = models.OneToOneField("triage.Preview", null=True, on_delete=models.PROTECT, related_name="incident")
    impact = models.CharField(max_length=8, choices=Impact.choices, default=Impact.MAJOR)
    started_at = models.DateTimeField(help_text="Since when customers are affected")
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    left_at = models.DateTimeField(null=True, blank=True)
    left_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    link_new = models.BooleanField(default=True, help_text="New tickets are linked while it is on")
    link_words = models.JSONField(default=list, help_text="Only tickets with any of these words; empty: all")
    components = models.JSONField(
        default=dict, help_text="Component id → the status it has while this incident is on (the worst one wins)"
    )
    next_update_by = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-entered_at"], condition=Q(left_at__isnull=True), name="incident_on")]

    def __str__(self) -> str:
        return str(self.problem)


class Preview(models.Model):
    """What a manager was shown before confirming. Its id can be used once."""

    token = models.CharField(max_length=43, unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    choices = models.JSONField(help_text="What the manager asked for")
    effects = models.JSONField(help_text="What was shown")
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.token[:8]


class Component(models.Model):
    """A part of the product, as the status page names it."""

    class Status(models.TextChoices):
        OPERATIONAL = "operational", "Operational"
        DEGRADED = "degraded_performance", "Degraded performance"
        PARTIAL = "partial_outage", "Partial outage"
        MAJOR = "major_outage", "Major outage"
        MAINTENANCE = "under_maintenance", "Under maintenance"

    name = models.CharField(max_length=100, unique=True)
    status = models.CharField(
        max_length=20,
        choices=Status.choices,
        default=Status.OPERATIONAL,
        help_text="Of every day; incidents lay theirs over it",
    )
    position = models.PositiveSmallIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Update(models.Model):
    """One public update of an incident. Its ledger key is `update:<id>`."""

    class Status(models.TextChoices):
        INVESTIGATING = "investigating", "Investigating"
        IDENTIFIED = "identified", "Identified"
        MONITORING = "monitoring", "Monitoring"
        RESOLVED = "resolved", "Resolved"
        POSTMORTEM = "postmortem", "Write-up"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    status = models.CharField(max_length=13, choices=Status.choices)
    body = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.status} {self.at:%F %H:%M}"

    @property
    def about(self) -> str:
        return f"update:{self.pk}"


class Job(Work):
    """Long work on many rows, expanded in chunks, resumably. `query` is frozen when it is made."""

    class Kind(models.TextChoices):
        LINK = "link", "link tickets to an incident"
        UNLINK = "unlink", "undo a linking"
        BROADCAST = "broadcast", "reply in bulk"
        UPDATE = "update", "mail an update to subscribers"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    query = models.JSONField(default=dict)
    cursor = models.PositiveBigIntegerField(default=0, help_text="The last row id that was expanded")
    total = models.PositiveIntegerField(default=0, help_text="Rows the frozen query matched when it was made")
    expanded = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0, help_text="People who had been told already")
    unreachable = models.PositiveIntegerField(default=0, help_text="People without an address that we may write to")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(state__in=["queued", "sending"]), name="job_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Broadcast(models.Model):
    """A reply in bulk to everybody linked to an incident. Its mails carry the group `broadcast:<id>`."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="broadcasts")
    update = models.ForeignKey(Update, null=True, blank=True, on_delete=models.SET_NULL, related_name="broadcasts")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="broadcast")
    key = models.CharField(
        max_length=43, unique=True, help_text="Of the page that confirmed it: pressed twice, made once"
    )
    subject = models.CharField(max_length=200)
    body = models.TextField()
    translations = models.JSONField(default=dict, blank=True, help_text="The same in other languages, by BCP 47 tag")
    solves = models.BooleanField(default=False, help_text="The closing reply solves the tickets it answers")
    paused = models.BooleanField(default=False)
    stopped_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.subject

    @property
    def group(self) -> str:
        return f"broadcast:{self.pk}"

    def text_for(self, language: str) -> str:
        """What somebody of this language reads: theirs where somebody wrote it, else the house's."""
        own = languages_of(settings.LANGUAGE_CODE)[0]
        for tag in languages_of(language):
            if tag == own:
                break
            if self.translations.get(tag):
                return str(self.translations[tag])
        return self.body


class Subscriber(models.Model):
    """Someone who asked for status updates by mail and confirmed it."""

    requester = models.OneToOneField(Requester, on_delete=models.CASCADE, related_name="subscriber")
    email = models.EmailField(unique=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.email
