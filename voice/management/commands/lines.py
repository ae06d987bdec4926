"""`manage.py lines announce|clear|show`: switches the phone lines from a shell."""

import getpass
import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from voice import lines, local, plan
from voice.models import Line


class Command(BaseCommand):
    help = "Switch the phone lines: announce a message, clear it, or show what each line says now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["announce", "clear", "show"])
        parser.add_argument("--line", action="append", default=[], help="key of a line, may be repeated; default: all")
        parser.add_argument("--text", action="append", default=[], metavar="LANGUAGE=WORDS", help="what callers hear")
        parser.add_argument("--hours", type=float, help="ends by itself after so many hours")
        parser.add_argument("--why", default="", help="for the audit trail")
        parser.add_argument("--local", action="store_true", help="this host only, while the database is away")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = options["line"]
        if options["action"] == "show":
            for line in lines.show():
                self.stdout.write(json.dumps(line, ensure_ascii=False))
            return
        text = dict(self._words(entry) for entry in options["text"])
        if options["action"] == "announce" and not text:
            raise CommandError("Say what callers shall hear: --text en='We know of …'")
        until = timezone.now() + timedelta(hours=options["hours"]) if options["hours"] else None
        who = getpass.getuser()
        if options["local"]:
            known = plan.PLAN.current().get("lines", {})
            chosen = self._known(keys, list(known))
            if options["action"] == "announce":
                local.announce(chosen, text, who=who, why=options["why"], until=until)
            else:
                local.clear(chosen, who=who, why=options["why"])
        else:
            found = list(Line.objects.filter(key__in=self._known(keys, self._keys())))
            why = f"{options['why']} ({who}, command line)".strip()
            if options["action"] == "announce":
                lines.announce(found, text, why=why, until=until)
            else:
                lines.clear_lines(found, why=why)
            chosen = [line.key for line in found]
        self.stdout.write(f"{options['action']}: {', '.join(chosen)}")

    def _keys(self) -> list[str]:
        return list(Line.objects.filter(active=True).values_list("key", flat=True))

    def _known(self, wanted: list[str], known: list[str]) -> list[str]:
        unknown = set(wanted) - set(known)
        if unknown:
            raise CommandError(f"No such line: {', '.join(sorted(unknown))}. There are: {', '.join(known) or 'none'}.")
        return wanted or known

    def _words(self, entry: str) -> tuple[str, str]:
        language, separator, words = entry.partition("=")
        if not separator or not words.strip():
            raise CommandError(f"--text wants LANGUAGE=WORDS, not {entry!r}.")
        return language.strip(), words.strip()
