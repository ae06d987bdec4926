"""`manage.py receive_mail`: takes one raw message from standard input, for a mail server's pipe."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tickets import journal
from tickets.channels import mail_pipe


class Command(BaseCommand):
    help = "Receive one raw mail from standard input. Exit status 75 (try again) only when it could not be kept."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sender", default="", help="envelope sender (Postfix: ${sender})")
        parser.add_argument("--recipient", action="append", default=[], help="envelope recipient, may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read()
        try:
            mail_pipe.accept(raw, sender=options["sender"], recipients=options["recipient"])
        except journal.NotKept as error:
            self.stderr.write(f"not kept, try again: {error}")
            sys.exit(os.EX_TEMPFAIL)
