"""Twilio speaks what we give it: a language that it has, in pieces that it takes."""

import pytest

from voice import spoken
from voice.spoken import LONGEST, pieces, variety


@pytest.mark.parametrize(
    ("language", "spoken_as"),
    [
        ("en", "en-GB"), ("en-US", "en-US"), ("en-us", "en-US"), ("pt_BR", "pt-BR"), ("de-CH", "de-DE"),
        ("no", "nb-NO"), ("zh-Hant-TW", "zh-TW"), ("zh-Hans", "zh-CN"), ("cs", "cs-CZ"),
        ("ga", None), ("x", None), ("", None),
    ],
)  # fmt: skip
def test_each_tag_has_its_variety_or_none(language, spoken_as):
    assert variety(language) == spoken_as


def test_the_usual_variety_of_each_language_comes_first():
    assert all(variety(tag) == tag for tag in spoken.VARIETIES)


@pytest.mark.parametrize("text", ["", "  ", "Short."])
def test_a_short_text_is_one_piece(text):
    assert pieces(text) == ([text.strip()] if text.strip() else [])


@pytest.mark.parametrize(
    "sentence", ["We know of it and we are at it. ", "障害を確認しています。", "word " * 7, "x" * 50, "é🙂"]
)
def test_a_long_text_is_cut_and_nothing_is_lost(sentence):
    text = sentence * 400
    cut = pieces(text)
    assert len(cut) > 1 or len(text.encode()) <= LONGEST
    assert all(len(piece.encode()) <= LONGEST for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_it_is_cut_after_a_sentence():
    assert pieces("This is one sentence. " * 400)[0].endswith("sentence.")
