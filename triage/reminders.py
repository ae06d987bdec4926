"""Asks managers whether what lines announce shall stay, every few hours while it does."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from triage import alerts
from voice import lines
from voice.numbers import readable


def remind() -> int:
    """One message for all announcements that nobody has looked at for hours. Returns how many lines it names."""
    due = lines.take_reminders(timezone.now())
    if not due:
        return 0
    said = "\n".join(
        f"- {row.line.name} {readable(row.line.number)}, since {timezone.localtime(row.since):%a %H:%M}"
        f"{f': {row.why}' if row.why else ''}"
        for row in due
    )
    hours = round(lines.REMIND_EVERY.total_seconds() / 3600)
    alerts.notify(
        "lines",
        f"{len(due)} line{'' if len(due) == 1 else 's'} still announcing: shall it stay?",
        f"For {hours} hours or more callers have heard an announcement on\n\n{said}\n\n"
        f"Nothing happens if it shall stay; you are asked again in {hours} hours. To end it:\n"
        f"{settings.PUBLIC_URL}{reverse('line_end')}\n",
        level="notice",
    )
    return len(due)
