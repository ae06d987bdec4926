"""`manage.py lines announce|clear|show|repoint`: switches the phone lines from a shell."""

import getpass
import json
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from voice import fallback, lines, local, plan, repoint, sounds
from voice.audio import BadAudio
from voice.models import Line
from voice.twilio_client import NoTelephone


class Command(BaseCommand):
    help = "Switch the phone lines: announce a message, clear it, or show what each line says now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["announce", "clear", "show", "repoint"])
        parser.add_argument("--line", action="append", default=[], help="key of a line, may be repeated; default: all")
        parser.add_argument("--group", action="append", default=[], help="all lines of a group, may be repeated")
        parser.add_argument("--text", action="append", default=[], metavar="LANGUAGE=WORDS", help="what callers hear")
        parser.add_argument(
            "--audio",
            action="append",
            default=[],
            metavar="LANGUAGE=FILE",
            help="a recording of these words, MP3 or WAV",
        )
        parser.add_argument("--hours", type=float, help="ends by itself after so many hours")
        parser.add_argument("--why", default="", help="for the audit trail")
        parser.add_argument("--local", action="store_true", help="this host only, while the database is away")

        parser.add_argument(
            "--to", choices=["fallback", "home"], help="repoint: the static export elsewhere, or our own doors again"
        )
        parser.add_argument("--file", type=Path, help="repoint: lines with key and number; default: the last export's")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = options["line"]
        if options["action"] == "repoint":
            self._repoint(keys, options["to"], options["file"])
            return
        if options["action"] == "show":
            for line in lines.show():
                self.stdout.write(json.dumps(line, ensure_ascii=False))
            return
        text = dict(self._words(entry) for entry in options["text"])
        if options["action"] == "announce" and not text:
            raise CommandError("Say what callers shall hear: --text en='We know of …'")
        audio = self._recordings(options["audio"], text)
        until = timezone.now() + timedelta(hours=options["hours"]) if options["hours"] else None
        who = getpass.getuser()
        if options["local"]:
            known = plan.PLAN.current().get("lines", {})
            in_groups = [key for key, line in known.items() if line.get("group") in options["group"]]
            if options["group"] and not in_groups:
                raise CommandError(f"No such group: {', '.join(options['group'])}.")
            chosen = self._known([*keys, *in_groups], list(known))
            if options["action"] == "announce":
                local.announce(chosen, text, audio, who=who, why=options["why"], until=until)
            else:
                local.clear(chosen, who=who, why=options["why"])
        else:
            found = self._chosen(keys, options["group"])
            why = f"{options['why']} ({who}, command line)".strip()
            if options["action"] == "announce":
                lines.announce(found, text, audio, why=why, until=until)
            else:
                lines.clear_lines(found, why=why)
            chosen = [line.key for line in found]
        self.stdout.write(f"{options['action']}: {', '.join(chosen)}")

    def _repoint(self, keys: list[str], to: str | None, file: Path | None) -> None:
        """Needs neither database nor plan: Twilio's credentials, and the file that the export leaves on each host."""
        if not to:
            raise CommandError("Say where: --to fallback, or --to home.")
        if to == "fallback" and not settings.FALLBACK_URL:
            raise CommandError("FALLBACK_URL is not set: nobody knows where the export is read.")
        path = file or fallback.numbers_file()
        try:
            known = repoint.read_lines(path)
        except (OSError, ValueError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        wanted = self._known(keys, [one["key"] for one in known])
        chosen = [one for one in known if one["key"] in wanted]
        keep = path.with_name("numbers-before.json")
        try:
            outcomes = repoint.to_fallback(chosen, keep) if to == "fallback" else repoint.home(chosen, keep)
        except NoTelephone as error:
            raise CommandError(str(error)) from error
        for one in outcomes:
            self.stdout.write(f"{one.key} {one.number}: {one.fault or f'answers from {one.url}'}")
        if any(one.fault for one in outcomes):
            raise CommandError("Some numbers were not pointed; run it again for them.")

    def _chosen(self, keys: list[str], groups: list[str]) -> list[Line]:
        try:
            return lines.chosen(keys, groups)
        except LookupError as error:
            raise CommandError(str(error)) from error

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

    def _recordings(self, entries: list[str], text: dict[str, str]) -> dict[str, str]:
        """The recordings, kept and by language. All are read before anything is announced."""
        found = {}
        for entry in entries:
            language, separator, name = entry.partition("=")
            if not separator or not name:
                raise CommandError(f"--audio wants LANGUAGE=FILE, not {entry!r}.")
            if language not in text:
                raise CommandError(
                    f"Say in --text {language}=… what {name} says: it is spoken where it cannot be played."
                )
            try:
                found[language] = sounds.take(Path(name).read_bytes())
            except (OSError, BadAudio) as error:
                raise CommandError(f"{name}: {error}") from error
        return found
