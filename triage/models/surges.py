"""Surges, what managers say of them, and what they are about."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class SurgeQuerySet(models.QuerySet["Surge"]):
    """Which surges the pages speak of."""

    def on(self) -> "SurgeQuerySet":
        """Those that are on and that matter: no parts of others, no mere notices, none that a manager dismissed."""
        return self.filter(ended_at=None, dismissed_at=None, parent=None, level=Surge.Level.PAGE)


class Surge(models.Model):
    """A stretch of time in which requests arrive faster than this hour of this week explains."""

    class Level(models.TextChoices):
        NOTICE = "notice", "notice"
        PAGE = "page", "page"

    series = models.CharField(max_length=80)
    began_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    peak_ratio = models.FloatField(default=0)
    total = models.PositiveIntegerField(default=0)
    expected = models.FloatField(default=0)
    senders = models.PositiveIntegerField(default=0, help_text="Different people; 0 until they were counted")
    senders_at = models.PositiveIntegerField(default=0, help_text="The total when they were counted")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="Total and expected hold up to here")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children", help_text="It is part of"
    )
    alerted_at = models.DateTimeField(null=True, blank=True)
    end_alerted_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    level = models.CharField(max_length=6, choices=Level.choices, default=Level.PAGE)
    told_level = models.CharField(max_length=6, choices=Level.choices, blank=True, help_text="As managers heard of it")
    told_peak = models.FloatField(default=0, help_text="The peak that they know of")
    declared_at = models.DateTimeField(null=True, blank=True)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    declared_why = models.CharField(max_length=200, blank=True)

    objects = SurgeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series"], condition=Q(ended_at__isnull=True), name="surge_one_open_per_series"
            )
        ]
        # Those that are over are counted to the end: what is looked for every ten seconds does not grow.
        indexes = [models.Index(fields=["id"], condition=~Q(senders_at=F("total")), name="surge_uncounted")]

    def __str__(self) -> str:
        return f"surge {self.series} {self.began_at:%F %H:%M}"

    @property
    def excess(self) -> float:
        """Requests beyond what was expected."""
        return max(self.total - self.expected, 0.0)


class SurgeWord(models.Model):
    """What a manager said of a surge, and when: the detector hears it at that minute, however often it is replayed."""

    class Word(models.TextChoices):
        DISMISS = "dismiss", "this is not a surge"
        DECLARE = "declare", "this is one"

    surge = models.ForeignKey(Surge, on_delete=models.CASCADE, related_name="words")
    series = models.CharField(max_length=80)
    word = models.CharField(max_length=7, choices=Word.choices)
    at = models.DateTimeField()
    began_at = models.DateTimeField(help_text="Since when it is one")

    class Meta:
        indexes = [models.Index(fields=["series", "at"], name="surge_word_at")]

    def __str__(self) -> str:
        return f"{self.word} {self.series} {self.at:%F %H:%M}"


class SurgeTerms(models.Model):
    """What a surge is about, worked out once in a while (`surge/about.py`), so that pages need only read it."""

    surge = models.OneToOneField(Surge, on_delete=models.CASCADE, related_name="terms")
    at = models.DateTimeField(help_text="When it was worked out")
    newest = models.PositiveBigIntegerField(default=0, help_text="The newest message that was there")
    people = models.PositiveIntegerField(default=0, help_text="Different people whose texts were read")
    ordinary = models.PositiveIntegerField(default=0, help_text="The same of ordinary weeks")
    terms = models.JSONField(default=list, help_text="Rising terms: words, people, share, ordinary, score, samples")
    rule = models.JSONField(null=True, blank=True, help_text="The rule that is offered, in the same form")

    def __str__(self) -> str:
        return f"terms of {self.surge}"
