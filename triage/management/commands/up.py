"""`manage.py up`: runs the whole product on this machine."""

import os
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from tickets.desk import people
from triage import demo
from triage.kept import keep
from triage.supervisor import Supervisor, roles

LOOPBACK = "127.0.0.1"


class Command(BaseCommand):
    help = "Run desk, front, workers and watch as one process tree. Ctrl-C ends all of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the desk; front alone is on the next")
        parser.add_argument("--host", default=LOOPBACK, help="address to listen on; a demo takes the loopback only")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if settings.DEMO and host != LOOPBACK:
            raise CommandError("A demo installation listens on the loopback only.")
        for taken in (port, port + 1):
            _must_be_free(host, taken)
        call_command("migrate", verbosity=0, interactive=False)
        if settings.DEMO:
            demo.seed()
        self.stdout.write(self._greeting(host, port))
        self.stdout.flush()
        # Children, and commands given beside them, find the doors here.
        public = os.environ.setdefault("PUBLIC_URL", base_of(host, port))
        keep(settings.VAR, "public-url", public)
        keep(settings.VAR, "front-url", f"http://{host}:{port + 1}")
        Supervisor(roles(host, port)).run()

    def _greeting(self, host: str, port: int) -> str:
        base = base_of(host, port)
        lines = [
            f"Breakwater is at {base}/desk/",
            f"Customers come to {base}/help/ and {base}/status/; the front alone is on port {port + 1}.",
        ]
        if settings.DEMO:
            lines.append("This is a demo: its accounts are known to everybody. Sign in as")
            lines += [f"  {person.role:14} {person.email:22} {people.DEMO_PASSWORD}" for person in people.DEMO_PEOPLE]
        lines.append("Ctrl-C ends it.")
        return "\n".join(lines)


def base_of(host: str, port: int) -> str:
    """Where the desk is found from this machine."""
    return f"http://{'localhost' if host == LOOPBACK else host}:{port}"


def _must_be_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Port {port} is taken. Choose another: make up PORT=8100") from error
