"""The drill's page in a demo installation: start it, watch it, see who was found again."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from tickets.roles import Power, needs
from triage.drill import flood, verify
from triage.drill.reckoning import reckon
from triage.drill.record import read


@needs(Power.RUN_INCIDENTS)
@require_http_methods(["GET", "POST"])
def drill(request: HttpRequest) -> HttpResponse:
    """GET shows a drill's progress and reckoning; POST starts one, unless one is running. Demo installations only."""
    if not settings.DEMO:
        raise Http404
    if request.method == "POST":
        started = start()
        messages.success(request, "The drill has begun." if started else "A drill is running already.")
        return redirect("control" if started else "drill")
    page = "triage/_drill.html" if request.headers.get("HX-Request") else "triage/drill.html"
    return render(request, page, {"progress": progress(), "outcome": outcome(), "per_minute": flood.PER_MINUTE})


def folder() -> Path:
    return flood.progress_path().parent


def record_path() -> Path:
    return folder() / "sent.jsonl"


def start() -> bool:
    """Starts the drill as a process of its own. False when one is running."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / ".lock").open("w") as lock:
        if not _take(lock):
            return False
        flood.progress_path().unlink(missing_ok=True)
        # The child inherits the locked file, so that the lock stands exactly as long as the drill runs.
        _launch(lock)
    return True


def _launch(lock: TextIO) -> None:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "drill", "--record", str(record_path())]
    with (folder() / "drill.log").open("w") as log:
        subprocess.Popen(  # noqa: S603  our own command
            command, stdout=log, stderr=log, pass_fds=[lock.fileno()], env={**os.environ, "BREAKWATER_ROLE": ""}
        )


def is_running() -> bool:
    try:
        with (folder() / ".lock").open("r") as lock:
            return not _take(lock)
    except FileNotFoundError:
        return False


def _take(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def progress() -> dict[str, Any] | None:
    """How far the newest drill is; None when there was none."""
    running = is_running()
    try:
        state = json.loads(flood.progress_path().read_bytes())
    except (OSError, ValueError):
        return {"running": True, "seeding": True} if running else None
    return {**state, "running": running}


def outcome() -> dict[str, Any] | None:
    """The reckoning of the newest drill, as far as it has got; None before the first contact."""
    try:
        sent = list(read(record_path()))
    except OSError:
        return None
    if not sent:
        return None
    result = reckon(sent, verify.find(sent))
    return {
        "sent": result.sent,
        "accepted": result.accepted,
        "lost": len(result.lost),
        "doubled": len(result.doubled),
        "unfinished": verify.unfinished(),
        "minutes_to_detection": verify.minutes_to_detection(sent),
        "seconds_to_first_listener": verify.seconds_to_first_listener(sent),
    }
