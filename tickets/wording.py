"""The words of public pages, by page and language: `templates/<page>/words.<tag>.txt`, English where one is missing."""

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from tickets.mail.words import FALLBACK, languages_of


def _languages() -> dict[str, str]:
    tags = [path.name.split(".")[1] for path in (settings.BASE_DIR / "templates" / "help").glob("words.*.txt")]
    tags.sort(key=lambda tag: (tag != FALLBACK, tag))
    return {tag: LANG_INFO.get(tag, {}).get("name_local", tag) for tag in tags}


# Tag → own name of each language that public pages speak, English first.
LANGUAGES = _languages()


def words(page: str, language: str, **facts: object) -> dict[str, str]:
    """Key → sentence, from the lines `key = sentence` of the page's words."""
    said: dict[str, str] = {}
    for tag in reversed(languages_of(language)):
        try:
            text = render_to_string(f"{page}/words.{tag}.txt", {"organisation": settings.ORGANISATION, **facts})
        except TemplateDoesNotExist:
            continue
        said |= dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    return said


def reader_language(request: HttpRequest) -> str:
    """The reader's language among ours, from what the browser says; no cookie, no session."""
    for tag, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if (short := tag.partition("-")[0]) in LANGUAGES:
            return short
    return FALLBACK


def spoken(response: HttpResponse, language: str) -> HttpResponse:
    """Says which language an answer is in, so that no cache hands it to readers of another."""
    response["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return response


def name_of(language: str) -> str:
    """A language's English name, or its tag where nobody gave it one."""
    known = LANG_INFO.get(language.lower()) or LANG_INFO.get(language.lower().split("-")[0], {})
    return known.get("name", language)
