"""Twilio's webhooks of the phones that a line rings. The caller's own call tells how it ended."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from voice import plan, screening
from voice.calls import always_answers, xml
from voice.signature import signed


@csrf_exempt
@signed
@always_answers
def screen(request: HttpRequest, line: str) -> HttpResponse:
    """Somebody, or something, answers: they are asked to take the call."""
    document = plan.line_of(line)
    name, language = (document["name"], document["languages"][0]) if document else ("", "en")
    return xml(screening.ask(line, name, language))


@csrf_exempt
@signed
@always_answers
def key(request: HttpRequest, line: str) -> HttpResponse:
    """The key that was pressed, or that there was none."""
    return xml(screening.pressed(request.POST.get("Digits", "")))
