"""A worker process for tests: sends the bulk lane of a given database to a given port until nothing is due."""

import sys
import time

import django
from django.conf import settings


def main(database: str, port: int) -> None:
    django.setup()
    from django.db import connection

    from tickets import outbox
    from tickets.models import Lane, Outgoing

    connection.settings_dict["NAME"] = database
    settings.EMAIL_BACKEND = "tickets.mail.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MAIL_RATE = "127.0.0.1", port, 10_000
    while Outgoing.objects.filter(lane=Lane.BULK, state="queued").exists():
        if not outbox.send_due(Lane.BULK, limit=50):
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
