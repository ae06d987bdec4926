"""Whoever was signed out meanwhile is asked to sign in, and what they had written is not lost with it."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

_NEVER = ("csrfmiddlewaretoken", "password")


def ask(request: HttpRequest) -> HttpResponse:
    """Leads to the sign-in and back; a form with words in it is answered with those words, to be copied."""
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    back = came_from(request.headers.get("Referer", ""), request.get_host())
    if texts := written(dict(request.POST.lists())):
        return render(request, "signed_out.html", {"texts": texts, "next": back}, status=403)
    return redirect_to_login(back)


def came_from(referer: str, host: str) -> str:
    """The page of ours that a form was sent from. The address that it was sent to cannot be looked at."""
    if not url_has_allowed_host_and_scheme(referer, {host}):
        return "/"
    parts = urlsplit(referer)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def written(sent: Mapping[str, Sequence[object]]) -> list[str]:
    """What of a form somebody wrote, in its order: what has more than one word was not chosen from a list."""
    values = [str(value) for name, several in sent.items() if name not in _NEVER for value in several]
    return [value for value in values if len(value.split()) > 1]
