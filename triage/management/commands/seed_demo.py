"""`manage.py seed_demo`: people, lines, components and first tickets of a demo installation."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from triage import demo


class Command(BaseCommand):
    help = "Seed a demo installation. Does nothing where it has been done."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Demo accounts exist in demo installations only: set DEMO=1.")
        self.stdout.write("seeded" if demo.seed() else "nothing to do")
