"""`manage.py receive_mail`: takes one raw message from standard input, for a mail server's pipe."""

import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tickets import journal
from tickets.channels import mail_pipe

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Receive one raw mail from standard input. Exit status 75 (try again) only when it could not be kept."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sender", default="", help="envelope sender (Postfix: ${sender})")
        parser.add_argument("--recipient", action="append", default=[], help="envelope recipient, may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            raw = sys.stdin.buffer.read()
            mail_pipe.accept(raw, sender=options["sender"], recipients=options["recipient"])
        except journal.NotKept as error:
            self.stderr.write(f"not kept, try again: {error}")
            sys.exit(os.EX_TEMPFAIL)
        except Exception:  # a fault of ours: any other status would make the mail server send the message back
            log.exception("a mail from the pipe was not kept")
            sys.exit(os.EX_TEMPFAIL)
