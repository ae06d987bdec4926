"""How many segments a text message takes, which is what carriers count and charge. Pure.

GSM 03.38 (3GPP TS 23.038): 160 characters of its alphabet in one segment or 153 in each of several, those of the
extension table counting twice; any other character makes it UCS-2: 70 or 67 code units of UTF-16.
"""

from math import ceil

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """Segments of one message; an empty one takes one, too."""
    if all(character in _BASIC or character in _EXTENSION for character in text):
        return _parts(sum(2 if character in _EXTENSION else 1 for character in text), 160, 153)
    return _parts(len(text.encode("utf-16-le")) // 2, 70, 67)


def _parts(length: int, alone: int, each: int) -> int:
    return 1 if length <= alone else ceil(length / each)
