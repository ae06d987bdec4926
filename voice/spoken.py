"""What Twilio's text to speech takes: a language that it has, and texts no longer than one `<Say>` may be."""

import re

# Bytes of UTF-8 in one <Say>; Twilio takes 4 KB (https://www.twilio.com/docs/voice/twiml/say).
LONGEST = 4000
# The varieties that it speaks, the usual one of a language first. An unknown one would end the call with an error.
VARIETIES = (
    "en-GB en-US en-AU en-CA en-IN en-NZ en-ZA de-DE de-AT fr-FR fr-CA es-ES es-MX es-US it-IT nl-NL nl-BE pt-PT pt-BR "
    "sv-SE da-DK nb-NO fi-FI is-IS pl-PL cs-CZ sk-SK hu-HU ro-RO bg-BG ru-RU uk-UA sr-RS el-GR tr-TR ca-ES cy-GB lv-LV "
    "lt-LT ja-JP ko-KR zh-CN zh-TW zh-HK hi-IN bn-IN ta-IN te-IN gu-IN kn-IN ml-IN he-IL ar-XA id-ID ms-MY fil-PH "
    "vi-VN th-TH af-ZA"
).split()
_SENTENCE, _WORD = re.compile(r"[.!?]\s+|[。！？]"), re.compile(r"\s+")
_SAME = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "tl": "fil"}
_BY_TAG = {tag.lower(): tag for tag in VARIETIES}
_BY_LANGUAGE = {tag.partition("-")[0]: tag for tag in reversed(VARIETIES)}


def variety(language: str) -> str | None:
    """The variety that speaks a BCP 47 tag; None where there is none, so that the account's own voice has to do."""
    parts = language.replace("_", "-").split("-")
    base = _SAME.get(parts[0].lower(), parts[0].lower())
    exact = _BY_TAG.get(f"{base}-{parts[-1]}".lower())
    return exact or _BY_LANGUAGE.get(base)


def pieces(text: str) -> list[str]:
    """A text in pieces of LONGEST bytes at most, cut at the end of a sentence or a word where there is one."""
    left, cut = text.strip(), []
    while len(left.encode()) > LONGEST:
        room = left.encode()[:LONGEST].decode(errors="ignore")
        ends = (max((match.end() for match in end.finditer(room)), default=0) for end in (_SENTENCE, _WORD))
        at = next(filter(None, ends), len(room))
        cut.append(left[:at].strip())
        left = left[at:].strip()
    return [*cut, left] if left else cut
