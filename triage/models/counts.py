"""Arrivals counted by minute and by hour, and what pages show of each series."""

from django.db import models


class MinuteCount(models.Model):
    """Arrivals and distinct senders of one series in one minute: a projection of the journal."""

    series = models.CharField(max_length=80, help_text="all, medium:phone, line:main …")
    minute = models.DateTimeField()
    arrivals = models.PositiveIntegerField()
    senders = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "minute"], name="minute_count_once")]
        indexes = [models.Index(fields=["minute"], name="minute_count_minute")]

    def __str__(self) -> str:
        return f"{self.series} {self.minute:%F %H:%M} {self.arrivals}"


class HourCount(models.Model):
    """The same by the hour, kept for ever."""

    series = models.CharField(max_length=80)
    hour = models.DateTimeField()
    arrivals = models.PositiveIntegerField()
    senders = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "hour"], name="hour_count_once")]
        indexes = [models.Index(fields=["hour"], name="hour_count_hour")]

    def __str__(self) -> str:
        return f"{self.series} {self.hour:%F %H} {self.arrivals}"


class SeriesState(models.Model):
    """What pages show of a series now, and the newest checkpoint of its detector."""

    series = models.CharField(max_length=80, unique=True)
    minute = models.DateTimeField(null=True, help_text="The last minute that `ratio` and `expected` tell of")
    state = models.JSONField(default=dict, help_text="The newest checkpoint, at most an hour and a quarter old")
    late = models.PositiveBigIntegerField(default=0, help_text="The last late count that the state knows of")
    caution = models.FloatField(default=0, help_text="Added to the threshold since that checkpoint")
    ratio = models.FloatField(default=0, help_text="Times normal now")
    expected = models.FloatField(default=0, help_text="Arrivals a minute expected now")

    def __str__(self) -> str:
        return self.series
