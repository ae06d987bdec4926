"""Words whose key is a value: `{{ say|word:update.status }}`; names of languages."""

from django import template

from tickets.wording import name_of

register = template.Library()
register.filter("language_name", name_of)


@register.filter
def word(say: dict[str, str], key: str) -> str:
    """The sentence of a key; the key itself where there is none."""
    return say.get(key, key)
