"""The search page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tickets.desk import search
from tickets.roles import Power, needs


@require_GET
@needs(Power.WORK_DESK)
def show(request: HttpRequest) -> HttpResponse:
    """Results for `q`; without it, how to search."""
    words = request.GET.get("q", "")[:200]
    context = {"q": words, "rows": search.find(words), "limit": search.SHOWN, "view": ""}
    return render(request, "desk/search.html", context)
