"""Customers' files and originals, handed out so that a browser never runs them in our name."""

import base64
import contextlib
import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET

from tickets import blobs, journal
from tickets.mail import html
from tickets.models import Attachment, Entry
from tickets.roles import Power, needs

# Types that a page may play or show by itself (voicemail); everything else is told to be plain bytes.
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
# Bytes of inline images that a page shows.
INLINE_BYTES = 8 * 1024 * 1024
HARMLESS = ("audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "audio/mp4")


@require_GET
@needs(Power.ANSWER_TICKETS)
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """An attachment, as a download."""
    found = get_object_or_404(Attachment, pk=pk)
    try:
        content = blobs.read(found.blob)
    except (OSError, ValueError) as error:
        raise Http404("the file is not there any more") from error
    kind = found.content_type if found.content_type in HARMLESS else "application/octet-stream"
    return _safe(HttpResponse(content, content_type=kind), found.name, download=True)


@require_GET
@needs(Power.ANSWER_TICKETS)
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """An entry exactly as it reached us, as plain text."""
    entry = get_object_or_404(Entry.objects.select_related("arrival").filter(arrival__isnull=False), pk=pk)
    assert entry.arrival is not None
    try:
        content = journal.body_of(entry.arrival)
    except (OSError, ValueError) as error:
        raise Http404("the original is not there any more") from error
    if not content:
        kept = {name: value for name, value in entry.arrival.payload.items() if name != "_body"}
        content = json.dumps(kept, indent=1, ensure_ascii=False).encode()
    return _safe(HttpResponse(content, content_type="text/plain; charset=utf-8"), f"original-{pk}.txt", download=False)


@require_GET
@needs(Power.ANSWER_TICKETS)
def formatted(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail as its sender laid it out, in a sandbox; remote images only when asked for (`?images=1`)."""
    entry = get_object_or_404(Entry.objects.exclude(html=""), pk=pk)
    remote, wanted = html.has_remote_images(entry.html), bool(request.GET.get("images"))
    shown = html.with_remote_images(entry.html) if wanted else entry.html
    context = {
        "entry": entry,
        "html": mark_safe(html.with_inline_images(shown, _inline(entry))),  # noqa: S308  sanitised when it was read
        "held_back": remote and not wanted,
    }
    response = render(request, "desk/formatted.html", context)
    images = "data: https: http:" if wanted else "data:"
    response["Content-Security-Policy"] = (
        f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _inline(entry: Entry) -> dict[str, str]:
    """The images that the message carries for itself, as data."""
    found: dict[str, str] = {}
    room = INLINE_BYTES
    for file in entry.attachments.exclude(content_id="").filter(content_type__in=PICTURES):
        if file.size > room:
            continue
        with contextlib.suppress(OSError, ValueError):
            data = base64.b64encode(blobs.read(file.blob)).decode()
            found[file.content_id.strip("<>").lower()] = f"data:{file.content_type};base64,{data}"
            room -= file.size
    return found


def _safe(response: HttpResponse, name: str, *, download: bool) -> HttpResponse:
    response["Content-Disposition"] = content_disposition_header(download, name or "file") or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    # The middleware leaves alone what is set already: this answer has the strictest policy there is.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
