"""The lines' page: what every line says now, announcing something on them, ending it, each with a confirmation."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from tickets.roles import Power, colleague, needs, powers_of
from voice import lines as switch
from voice import plan, sounds
from voice.hearing import heard
from voice.line_forms import AnnounceForm, name_of
from voice.models import Announcement, Line

# Seconds that a confirmation is good for: after that it shows a world that has moved on.
LIFETIME = 1800
_SALT = "voice.announce"


@require_safe
@needs(Power.WORK_DESK)
def lines(request: HttpRequest) -> HttpResponse:
    """Every line: the face in force, since when, by whom and until when, and all that a caller hears."""
    now = timezone.now()
    documents = plan.compile_plan()["lines"]
    newest = _in_force(now)
    rows = [_row(documents[line.key], now, newest.get(line.pk)) for line in Line.objects.filter(active=True)]
    context = {
        "rows": rows,
        "resting": Line.objects.filter(active=False),
        "announcing": any(row["face"].kind == "incident" for row in rows),
        "may_run": Power.RUN_INCIDENTS in powers_of(request.user),
    }
    return render(request, "voice/lines.html", context)


@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def announce(request: HttpRequest) -> HttpResponse:
    """The form; its confirmation, which changes nothing yet; and with the confirmation's token, the deed."""
    if "token" in request.POST:
        return _announce_now(request)
    active = list(Line.objects.filter(active=True))
    if request.method != "POST":
        # Where lines are grouped, somebody switches a part of them; else mostly all.
        ticked = [] if any(line.group for line in active) else [line.pk for line in active]
        form = AnnounceForm(lines=active, initial={"lines": ticked})
        return render(request, "voice/announce.html", {"form": form})
    form = AnnounceForm(request.POST, request.FILES, lines=active)
    if not form.is_valid() or "change" in request.POST:
        status = 422 if form.errors and "change" not in request.POST else 200
        return render(request, "voice/announce.html", {"form": form}, status=status)
    return render(request, "voice/announce_confirm.html", _confirmation(form))


@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def end(request: HttpRequest) -> HttpResponse:
    """What callers hear once an announcement is ended, line by line; ends those that were ticked."""
    if request.method == "POST":
        chosen = [int(value[:18]) for value in request.POST.getlist("end") if value.isdecimal()]
        done = switch.end(chosen, request.user, request.POST.get("why", "").strip()[:300])
        if done:
            messages.success(request, f"{_count(done, 'announcement')} ended.")
        else:
            messages.warning(request, "Nothing was ended: tick what shall end, or it is over already.")
        return redirect("lines")
    now = timezone.now()
    only = {int(value[:18]) for value in request.GET.getlist("line") if value.isdecimal()}
    documents = plan.compile_plan()["lines"]
    rows = [_ending(documents[row.line.key], row, now) for row in _in_force(now).values() if row.line.active]
    return render(request, "voice/announce_end.html", {"rows": rows, "only": only})


def _in_force(now: datetime) -> dict[int, Announcement]:
    """The announcement that each line says, by the line's id."""
    found: dict[int, Announcement] = {}
    for row in Announcement.objects.in_force(now).select_related("line", "by", "problem").order_by("-since", "-pk"):
        found.setdefault(row.line_id, row)
    return dict(sorted(found.items(), key=lambda pair: pair[1].line.name))


def _row(document: plan.LineDocument, now: datetime, row: Announcement | None) -> dict[str, Any]:
    face = plan.face(document, now)
    return {
        "line": document,
        "face": face,
        "heard": heard(document, now),
        "announcement": row if face.kind == "incident" else None,
        "change": _change(document, now) if face.kind != "incident" else "",
    }


def _change(document: plan.LineDocument, now: datetime) -> str:
    """When it opens or closes, by its own clock: templates would turn the time into the house's zone."""
    at = plan.next_change(document, now)
    if at is None:
        return ""
    day = "" if at.date() == now.astimezone(at.tzinfo).date() else f"{at:%A} "
    return f"until {day}{at:%H:%M} {at.tzname()}"


def _ending(document: plan.LineDocument, row: Announcement, now: datetime) -> dict[str, Any]:
    left = [overlay for overlay in document["overlays"] if overlay["id"] != row.pk]
    after = {**document, "overlays": left}
    return {"announcement": row, "line": document, "then": plan.face(after, now), "heard": heard(after, now)}


def _confirmation(form: AnnounceForm) -> dict[str, Any]:
    """What each line will say, and the token that makes exactly this so."""
    now = timezone.now()
    hours, spoken = form.cleaned_data["hours"], form.spoken()
    until = now + timedelta(hours=hours) if hours else None
    documents = plan.compile_plan()["lines"]
    chosen = list(form.cleaned_data["lines"])
    asked = {
        "lines": {str(pk): parts for pk, parts in spoken.items()},
        "until": until.isoformat() if until else None,
        "why": form.cleaned_data["why"],
        "once": secrets.token_hex(8),
    }
    rows = [_preview(documents[line.key], spoken[line.pk], now) for line in chosen]
    return {"form": form, "rows": rows, "until": until, "token": signing.dumps(asked, salt=_SALT, compress=True)}


def _preview(document: plan.LineDocument, spoken: list[dict[str, str]], now: datetime) -> dict[str, Any]:
    text, audio = _by_language(spoken)
    overlay = {"id": 2**62, "since": now.isoformat(), "until": None, "problem": None, "text": text, "audio": audio}
    after = {**document, "overlays": [*document["overlays"], {**overlay, "local": ""}]}
    missing = [name_of(tag) for tag in document["languages"] if tag not in {*text, *audio}]
    advice = [(name_of(tag), line) for tag, digest in audio.items() for line in sounds.advice(digest)]
    before = plan.face(document, now)
    return {"line": document, "heard": heard(after, now), "before": before, "missing": missing, "advice": advice}


def _by_language(spoken: list[dict[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    text = {said["language"]: said["text"] for said in spoken}
    return text, {said["language"]: said["audio"] for said in spoken if said["audio"]}


def _announce_now(request: HttpRequest) -> HttpResponse:
    try:
        asked = signing.loads(request.POST["token"], salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        messages.error(request, "This confirmation is too old. Nothing was announced; look at it once more.")
        return redirect("line_announce")
    until = datetime.fromisoformat(asked["until"]) if asked["until"] else None
    made = 0
    with transaction.atomic():
        # The lock makes a button that was pressed twice wait, and then find its own announcement.
        for line in Line.objects.select_for_update().filter(pk__in=asked["lines"], active=True):
            text, audio = _by_language(asked["lines"][str(line.pk)])
            already = {"text": text, "audio": audio, "until": until, "by": colleague(request)}
            if not Announcement.objects.filter(line=line, ended_at=None, why=asked["why"], **already).exists():
                switch.announce([line], text, audio, by=request.user, why=asked["why"], until=until)
                made += 1
    if made:
        messages.success(request, f"{_count(made, 'line')} {'announces' if made == 1 else 'announce'} it from now on.")
    else:
        messages.info(request, "These lines announce it already.")
    return redirect("lines")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
