"""Pages that say what went wrong, in the reader's language; none of them asks the database for anything of its own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template

from tickets.wording import reader_language, spoken, words


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return _page(request, "400.html", "bad_request", 400)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: signed in, but without the power."""
    return _page(request, "403.html", "not_allowed", 403)


def too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form whose token does not hold (any more)."""
    return _page(request, "403_csrf.html", "too_old", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _page(request, "404.html", "not_found", 404)


def failed(request: HttpRequest) -> HttpResponse:
    """500. It is rendered without the request, so that whatever failed has no second chance to fail."""
    language = reader_language(request)
    page = get_template("500.html").render(_said(language, "failed"))
    return spoken(HttpResponse(page, status=500), language)


def _page(request: HttpRequest, template: str, key: str, status: int) -> HttpResponse:
    language = reader_language(request)
    return spoken(render(request, template, _said(language, key), status=status), language)


def _said(language: str, key: str) -> dict[str, object]:
    say = words("errors", language)
    return {"language": language, "say": say, "title": say[key], "more": say[f"{key}_more"]}
