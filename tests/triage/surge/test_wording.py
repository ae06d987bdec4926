"""The words of a text: in lower case, numbers and codes kept, addresses left out, no language taken for granted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.mentions import mentions
from triage.surge.wording import MOST, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("the and of", []),
        ("LOGIN fails", ["login", "fails", "login fails"]),
        ("error 500", ["error", "500", "error 500"]),
        ("Code E1234.", ["code", "e1234", "code e1234"]),
        ("Cannot log in", ["log", "log in"]),
        ("not working", ["working", "not working"]),
        ("Login. Fails", ["login", "fails"]),
        ("login, fails", ["login", "fails"]),
        ("see https://acme.example/login or ann@acme.example", ["see"]),
        ("l'application d’accueil", ["application", "accueil", "application accueil"]),
        ("Anmeldung geht nicht", ["anmeldung"]),
        ("Straße STRASSE", ["straße", "strasse", "straße strasse"]),
        ("Müller's Café", ["müller", "café", "müller café"]),
        ("无法登录", ["无法", "法登", "登录"]),
        ("登录 login", ["登录", "login"]),
        ("เข้า", ["เข", "ข้", "้า"]),
        ("I a 5", []),
    ],
)
def test_the_terms_of_a_text(text, terms):
    assert sorted(terms_of(text)) == sorted(terms)


def test_what_is_read_of_a_text_is_bounded():
    assert sum(1 for _ in terms_of("word " * 200_000)) <= 2 * MOST
    assert list(terms_of(f"login {'x' * 1_000_000} fails")) == ["login", "fails"]


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    for term in terms_of(text):
        assert term == term.strip()
        assert term


@given(st.lists(st.sampled_from("login error 500 calendar störung page spinner".split()), min_size=2, max_size=9))
def test_every_term_of_plain_words_is_mentioned_by_its_text(words):
    text = " ".join(words)
    assert all(mentions(text, [term]) for term in terms_of(text))
