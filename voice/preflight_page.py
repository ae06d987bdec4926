"""The page of the preflight: the newest report, and a button that checks again."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from tickets import changes, nudge
from tickets.roles import Power, needs
from voice.models import PreflightReport

# Faults first, what is well last.
ORDER = ["fault", "warning", "unknown", "ok"]
CHECK = "voice.tasks.check_preflight"


@require_safe
@needs(Power.RUN_INCIDENTS)
def show(request: HttpRequest) -> HttpResponse:
    """What was found last; its findings alone for htmx, and only when there are new ones."""
    if request.headers.get("HX-Request"):
        return changes.poll(request, ["preflight"], lambda: render(request, "voice/_preflight.html", _report()))
    return render(request, "voice/preflight.html", _report())


@require_POST
@needs(Power.RUN_INCIDENTS)
def check(request: HttpRequest) -> HttpResponse:
    """Has a worker check everything anew."""
    with transaction.atomic():
        nudge.send(CHECK, queue="live")
    messages.info(request, "Checking. This takes some seconds; the page shows it by itself.")
    return redirect("preflight")


def _report() -> dict[str, object]:
    newest = PreflightReport.objects.order_by("-pk").first()
    findings = sorted(newest.findings, key=lambda one: ORDER.index(one["level"])) if newest else []
    return {"report": newest, "findings": findings, "faults": sum(one["level"] == "fault" for one in findings)}
