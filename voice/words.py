"""The sentences that callers hear: templates by language, `templates/voice/words/<name>.<language>.txt`."""

from typing import Any

from django.conf import settings
from django.template.loader import select_template

FALLBACK = "en"


def sentence(name: str, language: str, **context: Any) -> str:
    """One sentence in the nearest language that has it. Plain text: the TwiML writer escapes it."""
    tags = dict.fromkeys([language.lower(), language.lower().partition("-")[0], FALLBACK])
    template = select_template([f"voice/words/{name}.{tag}.txt" for tag in tags if tag.replace("-", "").isalnum()])
    return " ".join(template.render({"organisation": settings.ORGANISATION, **context}).split())


def digits(number: str) -> str:
    """A number to be spoken digit by digit."""
    return " ".join(character for character in number if character.isdigit())
