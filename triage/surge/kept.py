"""What surge detection keeps in the database between ticks, beside counts and states: clock, checkpoints, gaps."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Clock(models.Model):
    """How far counts have been judged. One row; recounts and ticks take turns at it.

    `turn` changes with every tick that wrote: who remembers another one has been overtaken and starts from the rows.
    """

    name = models.CharField(max_length=16, unique=True)
    minute = models.DateTimeField(null=True, help_text="The last minute that was given to the detectors")
    turn = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.minute:%F %H:%M}" if self.minute else self.name


class Checkpoint(models.Model):
    """A detector's state after one minute, every hour or three: what came late is replayed from the one before it."""

    series = models.CharField(max_length=80)
    minute = models.DateTimeField(help_text="The last minute the state has seen")
    late = models.PositiveBigIntegerField(default=0, help_text="The last late count that it knows of")
    caution = models.FloatField(default=0)
    state = models.TextField(help_text="JSON, written out by whoever saved it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "minute"], name="checkpoint_once")]
        indexes = [models.Index(fields=["minute"], name="checkpoint_minute")]

    def __str__(self) -> str:
        return f"{self.series} {self.minute:%F %H:%M}"


class LateCount(models.Model):
    """A minute whose people changed after the detectors had seen it. Its id orders what became known."""

    series = models.CharField(max_length=80)
    minute = models.DateTimeField()
    known = models.DateTimeField(help_text="Where the clock stood when it became known")
    more = models.IntegerField(help_text="People more than were known before")

    class Meta:
        indexes = [models.Index(fields=["series", "id"], name="late_count_series")]

    def __str__(self) -> str:
        return f"{self.series} {self.minute:%F %H:%M} {self.more:+}"


class Gap(models.Model):
    """Minutes of which nothing is known, because what usually brings most of them gave no heartbeat. Decided once."""

    scope = models.CharField(max_length=80, help_text="A series; lines and topics below it share it")
    began = models.DateTimeField(help_text="The first missing minute")
    until = models.DateTimeField(help_text="The first minute that is known again")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "began"], name="gap_once")]
        indexes = [models.Index(fields=["until"], name="gap_until")]

    def __str__(self) -> str:
        return f"{self.scope} {self.began:%F %H:%M}–{self.until:%H:%M}"


class Silence(models.Model):
    """Nothing comes where much is expected, or a door gives no heartbeat: told once, and once when it is over."""

    what = models.CharField(max_length=340, help_text="A series, or heartbeat:<source>")
    since = models.DateTimeField()
    noted_at = models.DateTimeField(default=timezone.now)
    why = models.CharField(max_length=300, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_alerted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["what"], condition=Q(ended_at__isnull=True), name="silence_one_open")
        ]

    def __str__(self) -> str:
        return f"{self.what} since {self.since:%F %H:%M}"
