"""The first words of an incident, by name and language: templates that a manager may change before confirming."""

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string


def first_words(name: str, language: str, **context: object) -> str:
    """The template `incidents/words/<name>.<language>.txt`, filled in; empty where nobody wrote one."""
    facts = {"organisation": settings.ORGANISATION, "status_url": f"{settings.PUBLIC_URL}/status/", **context}
    try:
        return render_to_string(f"incidents/words/{name}.{language.split('-')[0]}.txt", facts).strip()
    except TemplateDoesNotExist:
        return ""


def reply_text(update_body: str, closing: bool = False, language: str = "") -> str:
    """What a bulk reply says that was not written by hand: the update, and where to look.

    `language`: another one than the house's; empty where nobody has written the words around the update in it.
    """
    return first_words("closing" if closing else "reply", language or settings.LANGUAGE_CODE, update=update_body)
