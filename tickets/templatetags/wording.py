"""Words whose key is a value: `{{ say|word:update.status }}`."""

from django import template

register = template.Library()


@register.filter
def word(say: dict[str, str], key: str) -> str:
    """The sentence of a key; the key itself where there is none."""
    return say.get(key, key)
