"""How words of others are put on our pages: allauth writes headings and buttons in title case, we do not."""

import re
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# A capital of a word within a sentence; what is written in capitals (QR) or holds one within (WebAuthn) stays.
_WORD = re.compile(r"(?<=[a-z)] )[A-Z](?=[a-z]+\b)|(?<=[a-z]-)[A-Z](?=[a-z]+\b)")


@register.filter
def sentence_case(words: Any) -> str | SafeString:
    """Title Case as sentence case: "Two-Factor Authentication" becomes "Two-factor authentication". Safe stays safe."""
    said = _WORD.sub(lambda found: found[0].lower(), str(words).strip())
    return mark_safe(said) if isinstance(words, SafeString) else said  # noqa: S308  only letters became smaller


@register.filter
def field_alone(field: Any) -> SafeString:
    """A form's control without a placeholder, which would say again what its label says."""
    return field.as_widget(attrs={"placeholder": False})
