"""The words of a text, and the pairs of words that follow one another. Pure; no language is assumed."""

import re
from collections.abc import Iterator

from tickets.mentions import UNSPACED
from triage.surge.common_words import COMMON, PARTICLES

# What stands between the words of a pair.
PAIR = " "
# Words of one text that are read.
MOST = 250
LONGEST = 40
# Each looks at a run of letters once: a text of a million letters without a space must not cost their square.
_NOISE = re.compile(r"https?://\S+|www\.\S+|(?<!\S)\S{1,64}@\S+")
# Between two of these, words belong together.
_SENTENCES = re.compile(r"[.!?,;:…]+(?=\s|$)|[\n。！？、，()\"“”„]+")
_LETTER = rf"(?:(?![{UNSPACED}])\w)"
_WORDS = re.compile(rf"[{UNSPACED}]+|{_LETTER}+(?:['’]{_LETTER}+)*")
_UNSPACED = re.compile(f"[{UNSPACED}]")
# French and Italian articles before an apostrophe; the English possessive.
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|dell|nell|all|un)['’](?=\w{2})")
_OWNED = re.compile(r"['’]s$")


def terms_of(text: str) -> Iterator[str]:
    """Words and pairs of words, in lower case, in their order; numbers and codes are words, addresses are none.

    Scripts without spaces give pairs of letters. Words that everybody writes are no terms; in pairs, only those that
    change what the other word means stand ("log in", "not working"). Pairs do not reach over the end of a sentence.
    """
    left = MOST
    for sentence in _SENTENCES.split(_NOISE.sub("\n", text)):
        before = ""
        for found in _WORDS.findall(sentence):
            left -= 1
            if left < 0:
                return
            if _UNSPACED.match(found):
                yield from _letter_pairs(found)
                before = ""
                continue
            word = _plain(found)
            if len(word) > LONGEST:
                before = ""
                continue
            if len(word) > 1 and word not in COMMON:
                yield word
            if before and _pairs(before, word):
                yield f"{before}{PAIR}{word}"
            before = word


def _plain(word: str) -> str:
    # Not case folded: no search finds "strasse" in "Straße".
    lowered = word.lower().replace("’", "'")
    return _OWNED.sub("", _ELIDED.sub("", lowered))


def _pairs(before: str, word: str) -> bool:
    idle = [one for one in (before, word) if one in COMMON]
    return not idle or (len(idle) == 1 and idle[0] in PARTICLES)


def _letter_pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(min(len(run) - 1, MOST))] or [run]
