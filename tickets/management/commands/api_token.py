"""`manage.py api_token NAME --user EMAIL` makes a token for the API and prints it, once."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tickets import audit
from tickets.channels.api_access import digest_of
from tickets.models import ApiToken


class Command(BaseCommand):
    help = "Makes a token for the API. It acts as the given person, and is shown only now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what it is for")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="as whom it acts")

    def handle(self, *args: Any, name: str, user: str, **options: Any) -> None:
        found = User.objects.filter(email__iexact=user, is_active=True).first()
        if found is None:
            raise CommandError(f"There is no active person with the address {user}.")
        value = secrets.token_urlsafe(32)
        token = ApiToken.objects.create(name=name, digest=digest_of(value.encode()), user=found)
        audit.record(None, "api_token.create", token.pk, name=name, user=user)
        self.stdout.write(value)
