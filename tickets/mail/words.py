"""The words of our mails: templates by language, whose first line is the subject."""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string, select_template

FALLBACK = "en"


def languages_of(language: str) -> list[str]:
    """Where to look for a language's words, the nearest first: "de-AT" → de-at, de, en."""
    wanted = language.lower().replace("_", "-")
    chain = [wanted, wanted.partition("-")[0], FALLBACK]
    return [tag for tag in dict.fromkeys(chain) if tag and all(part.isalnum() for part in tag.split("-"))]


def render(name: str, language: str, **context: Any) -> tuple[str, str]:
    """Subject and text of `templates/tickets/mail/<name>.<language>.txt`, English where there is none."""
    template = select_template([f"tickets/mail/{name}.{tag}.txt" for tag in languages_of(language)])
    subject, _, text = template.render({"organisation": settings.ORGANISATION, **context}).partition("\n")
    return subject.removeprefix("Subject:").strip(), text.strip() + "\n"


def as_html(text: str) -> str:
    """The thin HTML alternative of a plain text."""
    return render_to_string("tickets/mail/plain.html", {"text": text})
