"""Tells managers of their lines: what is announced for hours, and PINs that were guessed at by phone."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from tickets.numbers import readable
from triage import alerts
from voice import lines, pins


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


def tell_lockouts() -> int:
    """One page for each number, or for all of them, that too many wrong PINs have locked. Returns how many."""
    taken = pins.take_lockouts(timezone.now())
    for row in taken:
        whose = row.dial_in.user.get_full_name() if row.dial_in else "a colleague who has taken it away"
        every = row.locks == "all"
        hours = round((pins.OF_ALL_FOR if every else pins.OF_NUMBER_FOR).total_seconds() / 3600)
        alerts.notify(
            "pins",
            f"{'All phones' if every else readable(row.number)} locked out: too many wrong PINs",
            f"Somebody called us and entered {pins.OF_ALL if every else pins.OF_NUMBER} wrong PINs for switching the "
            f"lines by phone, the last one at {timezone.localtime(row.at):%a %H:%M} from {readable(row.number)} "
            f"({whose}). Numbers that call can be forged.\n\n"
            f"No PIN is taken from {'any phone' if every else 'this number'} now, for {hours} "
            f"hour{'' if hours == 1 else 's'}"
            f"{'' if every else ', or until its owner sets a new one'}. Calls of customers go on as ever.\n\n"
            f"Who tried what: {settings.PUBLIC_URL}{reverse('audit')}\n",
        )
    return len(taken)
