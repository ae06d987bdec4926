"""How phone numbers stand on pages."""

from django import template

from tickets.numbers import readable

register = template.Library()


@register.filter
def phone_number(number: str) -> str:
    """+442079460011 as +44 20 7946 0011."""
    return readable(number)
