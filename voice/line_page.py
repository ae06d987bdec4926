"""One line's page: its name, numbers, hours and words, and the recordings that callers hear instead of them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST

from tickets.roles import Power, colleague, needs
from voice import audio, plan, sounds
from voice import lines as switch
from voice.hearing import heard
from voice.line_forms import FACES, LineForm, name_of
from voice.models import Line
from voice.words import are_written

# Seconds within which a recording that was uploaded may be published.
LIFETIME = 86_400
_SALT = "voice.audio"
# Lines' webhooks begin with their key; these words begin other addresses there (voice/front_urls.py).
RESERVED = {"audio", "callback", "text"}


@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def new(request: HttpRequest) -> HttpResponse:
    """Adds a line. What it says follows on its own page."""
    line = Line(time_zone=settings.TIME_ZONE, languages=[settings.LANGUAGE_CODE])
    form = LineForm(request.POST or None, line=line)
    if not form.is_valid():
        return render(request, "voice/line_new.html", {"form": form}, status=422 if form.errors else 200)
    changed = form.apply()
    line.key = _free_key(line.name)
    switch.keep(line, request.user, changed, "line.add", agents=form.rung())
    messages.success(request, f"{line.name} is added. Now write what its callers hear.")
    return redirect("line", line.pk)


@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """A line with everything that can be changed about it."""
    if request.method != "POST":
        found = get_object_or_404(Line, pk=pk)
        return render(request, "voice/line.html", _page(found, LineForm(line=found)))
    with transaction.atomic():
        found = get_object_or_404(Line.objects.select_for_update(), pk=pk)
        form = LineForm(request.POST, line=found)
        if form.is_valid():
            changed = form.apply()
            if changed:
                switch.keep(found, request.user, changed, agents=form.rung())
            messages.success(request, "Saved. The next caller hears it." if changed else "Nothing was changed.")
            return redirect("line", pk)
    return render(request, "voice/line.html", _page(found, form), status=422)


@require_POST
@needs(Power.RUN_INCIDENTS)
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a recording in and shows it to be listened to; callers hear it once it is published."""
    found, place = _place(request, pk)
    file = request.FILES.get("file")
    try:
        digest = _taken(file)
    except audio.BadAudio as error:
        page = {**_page(found, LineForm(line=found)), "audio_error": str(error), "audio_place": place}
        return render(request, "voice/line.html", page, status=422)
    token = signing.dumps({"line": pk, "place": place, "digest": digest, "by": colleague(request).pk}, salt=_SALT)
    face, language = place
    context = {"line": found, "sound": sounds.about(digest), "digest": digest, "token": token, "language": language}
    context |= {"file": file, "face_label": FACES[face], "language_name": name_of(language)}
    return render(request, "voice/line_audio.html", context | {"words": getattr(found, f"{face}_text").get(language)})


@require_POST
@needs(Power.RUN_INCIDENTS)
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a recording that was uploaded, checked and listened to the one that callers hear."""
    try:
        asked = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        asked = {}
    if asked.get("line") != pk or not sounds.claim(asked["digest"]):
        messages.error(request, "This recording was uploaded too long ago. Upload it again.")
        return redirect("line", pk)
    _set_audio(request, pk, asked["place"], asked["digest"])
    messages.success(request, "The next caller hears the recording.")
    return redirect("line", pk)


@require_POST
@needs(Power.RUN_INCIDENTS)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a recording away: callers hear the words again."""
    _, place = _place(request, pk)
    _set_audio(request, pk, place, "")
    messages.success(request, "The recording is taken away. A computer's voice says the words.")
    return redirect("line", pk)


def _set_audio(request: HttpRequest, pk: int, place: list[str], digest: str) -> None:
    face, language = place
    with transaction.atomic():
        found = get_object_or_404(Line.objects.select_for_update(), pk=pk)
        recordings: dict[str, str] = getattr(found, f"{face}_audio")
        before = recordings.get(language, "")
        if before == digest:
            return
        kept = {tag: value for tag, value in recordings.items() if tag != language}
        setattr(found, f"{face}_audio", {**kept, language: digest} if digest else kept)
        switch.keep(found, request.user, {f"{face}_audio_{language}": [before, digest]}, "line.audio")


def _place(request: HttpRequest, pk: int) -> tuple[Line, list[str]]:
    found = get_object_or_404(Line, pk=pk)
    face, language = request.POST.get("face", ""), request.POST.get("language", "")
    if face not in FACES or language not in found.languages:
        raise Http404
    return found, [face, language]


def _taken(file: UploadedFile | None) -> str:
    if file is None:
        raise audio.BadAudio("Choose a file first.")
    return sounds.take_file(file)


def _page(found: Line, form: LineForm) -> dict[str, Any]:
    now = timezone.now()
    # What is saved, not what was entered: a form with a mistake must not look as if callers heard it.
    document = plan.compile_plan()["lines"].get(found.key)
    faces = [
        {
            "name": face,
            "label": label,
            "rows": [
                {
                    "language": language,
                    "name": name_of(language),
                    "field": form[f"{face}_{language}"],
                    "audio": (digest := getattr(found, f"{face}_audio").get(language, "")),
                    "lost": digest and not sounds.is_there(digest),
                }
                for language in form.line.languages
                if f"{face}_{language}" in form.fields
            ],
        }
        for face, label in FACES.items()
    ]
    shown = {"kind": plan.face(document, now).kind, "heard": heard(document, now)} if document else None
    unwritten = [name_of(language) for language in found.languages if not are_written(language)]
    return {"line": found, "form": form, "faces": faces, "shown": shown, "unwritten": unwritten}


def _free_key(name: str) -> str:
    """A key for a new line's webhook addresses; it stays when the name changes."""
    stem = slugify(name)[:50] or "line"
    taken = {*RESERVED, *Line.objects.filter(key__startswith=stem).values_list("key", flat=True)}
    keys = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
    return next(key for key in keys if key not in taken)
