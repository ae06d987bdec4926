"""Bytes to text by the charset a message names, or the likeliest one where the name is unknown, wrong or missing."""

import codecs

# Names seen in mail that Python does not know, and charsets whose label is used for their superset.
_ALIASES = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "utf-8n": "utf-8",
}
# Codecs of Python that are no charset of any mail; some take time that grows with the square of the text.
_NOT_IN_MAIL = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}


def known(name: str) -> str | None:
    """The codec for a charset's name; None if there is none."""
    wanted = name.strip("'\" \t").lower()[:60]
    wanted = _ALIASES.get(wanted, wanted)
    for candidate in (wanted, wanted.removeprefix("x-"), wanted.replace("windows", "cp").replace("cp-", "cp")):
        try:
            codec = codecs.lookup(candidate)
        except (LookupError, ValueError):
            continue
        if codec.name.replace("-", "_") not in _NOT_IN_MAIL and getattr(codec, "_is_text_encoding", True):
            return codec.name
    return None


def text_of(content: bytes, charset: str | None = None) -> str:
    """Bytes as text: by the named charset, else UTF-8, else Windows-1252 with what it lacks replaced."""
    named = known(charset) if charset else None
    for codec in (named, "utf-8", "cp1252"):
        if codec is None:
            continue
        try:
            return content.decode(codec)
        except UnicodeError:
            continue
    # Mostly right by the name it bears: better than a wrong charset throughout.
    if named and named not in ("utf-8", "cp1252"):
        return content.decode(named, "replace")
    return content.decode("latin-1")
