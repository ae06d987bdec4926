"""`manage.py watch`: runs the watch until it is told to stop."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from triage.watch import Watch


class Command(BaseCommand):
    help = "Tick, sweep, export and remind. Any number may run; the lease lets one of them act."

    def handle(self, *args: Any, **options: Any) -> None:
        watch = Watch()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: watch.stop())
        watch.run()
