"""Runs benchmarks, all or those named: `make bench`, `make bench ARGS="calls outbox"`.

What follows a single name and is no name is for that benchmark: `make bench ARGS="mail --misses develop"`.
Each gets a database and folders of its own; with DATABASE_URL and REDIS_URL set, those of the environment.
"""

import logging
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def run(name: str, *arguments: str) -> None:
    """Sets up Django in this process, which is this benchmark's alone, and measures."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "triage.settings"
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as folder:
        os.environ["BREAKWATER_VAR"] = folder
        import django
        from django.core.management import call_command

        django.setup()
        logging.disable(logging.ERROR)  # also what libraries beside us print
        call_command("migrate", verbosity=0)
        import_module(f"tests.bench.bench_{name}").main(*(int(word) if word.isdigit() else word for word in arguments))


def main(wanted: list[str]) -> int:
    if wanted and wanted[0] in names() and not set(wanted[1:]) & set(names()):
        run(*wanted)
        return 0
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join(names())}.", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or names():
        print(f"── {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", "tests.bench", name], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
