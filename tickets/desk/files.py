"""Customers' files and originals, handed out so that a browser never runs them in our name."""

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from tickets import blobs, journal
from tickets.models import Attachment, Entry
from tickets.roles import Power, needs

# Types that a page may play or show by itself (voicemail); everything else is told to be plain bytes.
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


def _safe(response: HttpResponse, name: str, *, download: bool) -> HttpResponse:
    response["Content-Disposition"] = content_disposition_header(download, name or "file") or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    # The middleware leaves alone what is set already: this answer has the strictest policy there is.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
