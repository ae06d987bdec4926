"""`manage.py read_mail`: says as JSON how mail files are read, one object a line and file; needs no database."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from tickets.mail import outline


class Command(BaseCommand):
    help = "Print how mail files are read: one JSON object a line and file. Exit status 1 if one could not be opened."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--body", action="store_true", help="the files hold only the text of a body")
        parser.add_argument("files", nargs="+", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        describe = outline.of_body if options["body"] else outline.of_message
        failed = False
        for name in options["files"]:
            try:
                record = describe(Path(name).read_bytes())
            except (OSError, ValueError) as error:
                record, failed = {**outline.EMPTY, "problems": [f"cannot be opened: {error}"]}, True
            # ASCII: no terminal refuses it, and no line separator of Unicode breaks a line.
            self.stdout.write(json.dumps({**record, "file": name}))
        if failed:
            sys.exit(1)
