"""Whether a text mentions a word: the one rule of topics, and by which linking is measured, previewed and done. Pure.

A word is found as a whole, whatever its case: `log` is not in "blog". `log*` finds what begins so. Words of several
parts (`log in`) are found whatever stands between the parts but letters and digits: "log-in", "log  in". Scripts that
write no spaces have no whole words; what is written in them is found anywhere.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

# Thai, Lao, Burmese, Khmer; kana, Han and their extensions.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_APOSTROPHES = re.compile("['’]")


def pattern(words: Sequence[str]) -> str:
    """A regular expression that finds any of the words, to be used without regard to case.

    It means the same in Python (and so in SQLite) and in PostgreSQL. Empty where no word has a letter or digit.
    """
    parts = [part for part in map(_pattern_of, words) if part]
    return f"({'|'.join(parts)})" if parts else ""


def mentions(text: str, words: Sequence[str]) -> bool:
    """True when the text mentions any of the words. No words: nothing is mentioned."""
    found = _compiled(tuple(words))
    return found is not None and found.search(text) is not None


def means_something(word: str) -> bool:
    """False for what could only match everything or nothing, such as `*`."""
    return any(letter.isalnum() for letter in word)


@lru_cache(maxsize=256)
def _compiled(words: tuple[str, ...]) -> re.Pattern[str] | None:
    wanted = pattern(words)
    return re.compile(wanted, re.IGNORECASE) if wanted else None


def _pattern_of(word: str) -> str:
    if not means_something(word):
        return ""
    begins_so = word.rstrip().endswith("*")
    parts = word.rstrip().rstrip("*").split()
    middle = r"\W+".join(_APOSTROPHES.sub("['’]", re.escape(part)) for part in parts)
    before = r"(^|\W)" if _stands_alone(parts[0][0]) else ""
    after = r"(\W|$)" if not begins_so and _stands_alone(parts[-1][-1]) else ""
    return before + middle + after


def _stands_alone(letter: str) -> bool:
    """Whether a word that begins or ends with this letter ends where letters end."""
    return (letter.isalnum() or letter == "_") and not _UNSPACED.match(letter)
