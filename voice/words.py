"""The sentences that callers hear: templates by language, `templates/voice/words/<name>.<language>.txt`."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import select_template
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import get_language_info

FALLBACK = "en"


def sentence(name: str, language: str, **context: Any) -> str:
    """One sentence in the nearest language that has it. Plain text: the TwiML writer escapes it."""
    return _rendered(name, language, settings.ORGANISATION, tuple(sorted(context.items())))


@lru_cache(maxsize=200)
def are_written(language: str) -> bool:
    """Whether somebody wrote our sentences in this language (BCP 47); callers hear English where nobody did."""
    try:
        select_template([f"voice/words/clock.{tag}.txt" for tag in _tags(language)])
    except TemplateDoesNotExist:
        return False
    return True


def _tags(language: str) -> list[str]:
    """The names of its templates, the nearest first."""
    tags = dict.fromkeys([language.lower(), language.lower().partition("-")[0]])
    return [tag for tag in tags if tag.replace("-", "").isalnum()]


@lru_cache(maxsize=1000)
def _rendered(name: str, language: str, organisation: str, context: tuple[tuple[str, Any], ...]) -> str:
    """Kept, since every call says the same few."""
    template = select_template([f"voice/words/{name}.{tag}.txt" for tag in (*_tags(language), FALLBACK)])
    return " ".join(template.render({"organisation": organisation, **dict(context)}).split())


def spoken_time(at: str, now: datetime, zone: str, language: str) -> str:
    """A moment (ISO) by the clock of `zone`, with the day of the week if it is not today's; empty for none."""
    if not at:
        return ""
    try:
        local, today = datetime.fromisoformat(at).astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return ""
    with translation.override(language):
        day = "" if local.date() == today else date_format(local, "l")
    return sentence("clock", language, day=day, hour=local.hour, minute=f"{local.minute:02d}")


@lru_cache(maxsize=200)
def language_name(tag: str, spoken: str) -> str:
    """What a language (BCP 47) is called in another, or in itself; its tag where nobody knows."""
    with translation.override(spoken):
        try:
            return str(get_language_info(tag)["name_translated"])
        except KeyError:
            return tag


def digits(number: str) -> str:
    """A number to be spoken digit by digit."""
    return " ".join(character for character in number if character.isdigit())
