"""`manage.py preflight`: checks what callers depend on; `--mend` sets the numbers up as they should be."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tickets.work import TransportError
from voice import number_setup, preflight
from voice.findings import FAULT, OK, UNKNOWN, WARNING
from voice.models import Line
from voice.twilio_client import NoTelephone, telephone

SIGNS = {
    OK: "ok     ",
    WARNING: "WARNING",
    FAULT: "FAULT  ",
    UNKNOWN: "?      ",
}


class Command(BaseCommand):
    help = "Check account, numbers, public address, signature, fallback, countries, and what is shared."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mend", action="store_true", help="set each number up as it should be, first")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["mend"]:
            self._mend()
        findings = preflight.run()
        for one in findings:
            if options["json"]:
                self.stdout.write(json.dumps(asdict(one), ensure_ascii=False))
                continue
            self.stdout.write(f"{SIGNS[one.level]} {one.about}: {one.what}")
            for told in filter(
                None, (one.notice and f"callers notice: {one.notice}", one.mend and f"to mend: {one.mend}")
            ):
                self.stdout.write(f"          {told}")
        faults = sum(one.level == FAULT for one in findings)
        if faults:
            raise CommandError(f"{faults} fault{'' if faults == 1 else 's'}. Callers would notice.")

    def _mend(self) -> None:
        for line in Line.objects.filter(active=True):
            try:
                was = number_setup.mend(line, telephone())
            except (NoTelephone, TransportError) as error:
                self.stderr.write(f"{line.key}: not set: {error}")
                continue
            changed = ", ".join(f"{part} was {value or 'empty'}" for part, value in was.items())
            self.stdout.write(f"{line.key}: {changed or 'is as it should be'}")
