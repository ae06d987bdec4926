"""A rule finds whole words, whatever their case and what stands between their parts, in Python as in the database."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.mentions import means_something, mentions, pattern


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("My LOGIN fails", ["login"], True),
        ("Login", ["login"], True),
        ("my catalogin", ["login"], False),
        ("logins", ["login"], False),
        ("logins", ["login*"], True),
        ("blog", ["log*"], False),
        ("error 500!", ["500"], True),
        ("order 1500", ["500"], False),
        ("order 5001", ["500"], False),
        ("a log-in, please", ["log in"], True),
        ("log\n  in", ["log in"], True),
        ("log them in", ["log in"], False),
        ("It can’t be", ["can't"], True),
        ("In Müllers Störung", ["STÖRUNG"], True),
        ("Störungen", ["Störung"], False),
        ("无法登录了", ["登录"], True),
        ("E1234登录", ["登录"], True),
        ("C++ and C#", ["c++"], True),
        ("C and D", ["c++"], False),
        ("a.b", ["a*b"], False),
        ("anything", [], False),
        ("anything", ["*"], False),
        ("anything", ["", " ", "."], False),
        ("x login", ["*", "login"], True),
        ("", ["login"], False),
    ],
)
def test_words_are_found_whole(text, words, expected):
    assert mentions(text, words) is expected


@pytest.mark.parametrize(("word", "means"), [("login", True), ("5", True), ("*", False), ("", False), ("--", False)])
def test_words_without_letters_and_digits_mean_nothing(word, means):
    assert means_something(word) is means
    assert bool(pattern([word])) is means


@given(st.text(max_size=80), st.lists(st.text(max_size=12), max_size=4))
def test_no_text_and_no_word_breaks_it(text, words):
    found = mentions(text, words)
    assert found is any(mentions(text, [word]) for word in words)
    assert not found or any(means_something(word) for word in words)
    re.compile(pattern(words))


@given(st.lists(st.sampled_from(["login", "500", "störung", "can't", "log in", "a", "登录"]), min_size=1, max_size=5))
def test_what_stands_alone_among_others_is_found(words):
    for word in words:
        assert mentions(f"before, {' ; '.join(words)} after", [word])
