"""`manage.py drill`: replays the founding day through the front doors, or verifies an earlier replay."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage.drill import flood, verify
from triage.drill.heard import misheard
from triage.drill.reckoning import reckon
from triage.drill.record import UnreadableRecord, read


class Command(BaseCommand):
    help = "Replay the founding day: ten ordinary days, then 100 times as much. Or verify that nobody was lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--contacts", type=int, nargs="?", const=3000, help="send this many as fast as they are accepted (3000)"
        )
        parser.add_argument("--callers", action="store_true", help="everybody calls: no mail, no form")
        parser.add_argument("--minutes", type=float, default=4, help="length of the flood in real time (4)")
        parser.add_argument("--record", type=Path, default=Path("sent.jsonl"), help="where the record goes")
        parser.add_argument("--base", default="", help="address of the front door (default: the installation's own)")
        parser.add_argument("--seed", type=int, help="makes the same people come at the same times")
        parser.add_argument("--verify", type=Path, metavar="FILE", help="verify the record of an earlier drill")
        parser.add_argument("--wait", type=float, default=300, help="seconds to wait for work under way (300)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self._verify(options["verify"], options["wait"])
            return
        plan = flood.Plan(
            base=options["base"] or flood.default_base(),
            record=options["record"],
            contacts=options["contacts"],
            callers_only=options["callers"],
            minutes=options["minutes"],
            seed=options["seed"],
        )
        try:
            flood.run(plan, say=self.stdout.write)
        except flood.NotReady as error:
            raise CommandError(str(error)) from error

    def _verify(self, path: Path, wait: float) -> None:
        try:
            sent = list(read(path))
        except (OSError, UnreadableRecord) as error:
            raise CommandError(str(error)) from error
        if not sent:
            raise CommandError(f"{path}: nothing was sent")
        settled = verify.wait_until_worked_off(wait)
        outcome = reckon(sent, verify.find(sent))
        wrong = misheard(sent)
        for what in wrong[:20]:
            self.stderr.write(f"misheard: {what}")
        for what in outcome.lost[:20]:
            self.stderr.write(f"lost: {what}")
        for what in outcome.doubled[:20]:
            self.stderr.write(f"doubled: {what}")
        summary = {
            "sent": outcome.sent,
            "accepted": outcome.accepted,
            "lost": len(outcome.lost),
            "doubled": len(outcome.doubled),
            "misheard": len(wrong),
            "worked_off": settled,
            "minutes_to_detection": verify.minutes_to_detection(sent),
            "seconds_from_confirmation_to_first_listener": verify.seconds_to_first_listener(sent),
        }
        self.stdout.write(json.dumps(summary))
        if not outcome.clean or wrong:
            raise SystemExit(1)
