"""`manage.py poll_mailboxes`: looks into every mailbox of MAILBOXES once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tickets.channels import mailbox


class Command(BaseCommand):
    help = "Look into every mailbox of MAILBOXES once, whether one failed a moment ago or not."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for address in mailbox.addresses():
            try:
                self.stdout.write(f"{address.name}: {mailbox.poll(address)} new")
            except mailbox.FAULTS as error:
                failed += 1
                self.stderr.write(f"{address.name}: {error}")
        if failed:
            raise CommandError(f"{failed} mailboxes could not be read; what is in them stays there.")
