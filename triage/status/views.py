"""Serves the status page from its last export: from memory or disk, never from the database."""

import hashlib
import logging
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from tickets.roles import public
from tickets.wording import LANGUAGES, reader_language, spoken
from triage.status import export

log = logging.getLogger(__name__)

PAGES = {export.file_of(language): language for language in LANGUAGES}
TYPES = {
    **dict.fromkeys(PAGES, "text/html; charset=utf-8"),
    "status.json": "application/json",
    "base.css": "text/css; charset=utf-8",
    "public.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _Held:
    stamp: tuple[int, int]
    content: bytes
    tag: str


# What this process has read, by path. When the disk fails, it is served on.
_held: dict[Path, _Held] = {}


@public
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The status page, in the reader's language."""
    language = reader_language(request)
    name = export.file_of(language)
    held = _read(name)
    if held is None:
        # Nothing was ever exported, so nothing was ever announced.
        nothing = export.render_page(export.Page([], [], []), language, styles=static("breakwater/"))
        return spoken(HttpResponse(nothing, headers={"Cache-Control": "no-store"}), language)
    return spoken(_answer(request, held, name), language)


@public
@require_safe
def part(request: HttpRequest, name: str) -> HttpResponse:
    """What lies beside the page: style sheets, and the facts for programs."""
    held = _read(name) if name in TYPES else None
    if held is None:
        raise Http404
    return _answer(request, held, name)


def _answer(request: HttpRequest, held: _Held, name: str) -> HttpResponse:
    headers = {"ETag": held.tag, "Cache-Control": "public, max-age=5", "Access-Control-Allow-Origin": "*"}
    if name in PAGES:
        headers["Content-Language"] = PAGES[name]
    if held.tag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(held.content, status=HTTPStatus.OK, content_type=TYPES[name], headers=headers)


def _read(name: str) -> _Held | None:
    path = export.folder() / name
    known = _held.get(path)
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_ino)
        if known is None or known.stamp != stamp:
            content = path.read_bytes()
            known = _held[path] = _Held(stamp, content, f'"{hashlib.sha256(content).hexdigest()[:24]}"')
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("status export cannot be read, the last copy is served: %s", error)
    return known
