"""The new words of a reply: quoted text and signature folded away, never everything."""

import re

# What introduces a quoted message, in the languages and clients we have seen.
_INTRODUCTIONS = re.compile(
    r"""(?mx)^[ \t>]*(?:
      On\ [^\n]{4,200}\n?[^\n]{0,200}\ wrote: |
      Am\ [^\n]{4,200}\n?[^\n]{0,200}\ schrieb[^\n]{0,80}: |
      Le\ [^\n]{4,200}\n?[^\n]{0,200}\ a\ [ée]crit\s?: |
      El\ [^\n]{4,200}\n?[^\n]{0,200}\ escribi[óo]\s?: |
      Il\ [^\n]{4,200}\n?[^\n]{0,200}\ ha\ scritto\s?: |
      Op\ [^\n]{4,200}\n?[^\n]{0,200}\ (?:schreef|geschreven)[^\n]{0,80}: |
      Em\ [^\n]{4,200}\n?[^\n]{0,200}\ escreveu\s?: |
      Den\ [^\n]{4,200}\n?[^\n]{0,200}\ (?:skrev)[^\n]{0,80}: |
      -{2,}\s?(?:Original\ Message|Ursprüngliche\ Nachricht)\s?-{2,} |
      -{2,}\s?(?:Message\ d'origine|Mensaje\ original)\s?-{2,} |
      _{20,} |
      (?:From|Von|De|Da|Van)\ ?:[^\n]+\n(?:[^\n]+\n){0,2}
      (?:Sent|Gesendet|Envoyé|Enviado|Inviato|Verzonden|Date|Datum)\ ?:
    )"""
)
_SIGNATURE = re.compile(r"(?m)^--[ ]?$|^(?:Sent from my |Von meinem )[^\n]{1,60}$")
_QUOTED = re.compile(r"(?m)^[ \t]*>.*$")


def visible_reply(text: str) -> str:
    """`text` without what was quoted below it and the signature; all of it where nothing else would be left."""
    new = text
    for pattern in (_INTRODUCTIONS, _SIGNATURE):
        found = pattern.search(new)
        if found and new[: found.start()].strip():
            new = new[: found.start()]
    without_quotes = _QUOTED.sub("", new)
    if without_quotes.strip():
        new = without_quotes
    return re.sub(r"\n{3,}", "\n\n", new).strip() or text.strip()
