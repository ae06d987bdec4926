"""What a surge is about: planted words are found, ordinary ones are not, and one person is one voice."""

import random
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.surge import terms
from triage.surge.terms import BUCKETS, LETTERS, RULE, SHOWN, Found, Written, log_odds, share_mentioning, taken_apart

EVERYDAY = (
    "Where can I find my invoice for October?",
    "How do I add a colleague to our account?",
    "Please change the billing address to Main Street",
    "Can we export the client list as CSV",
    "The reminder texts arrive late on Tuesdays",
    "Wie lege ich einen zweiten Raum im Kalender an?",
    "Ich brauche eine Kopie der Rechnung vom Oktober",
    "Unser Vertrag läuft aus, was kostet die Verlängerung?",
)


def written(texts, first=0):
    return [Written(first + number, 1000 + first + number, text) for number, text in enumerate(texts)]


def everyday(number, seed=1, first=0):
    dice = random.Random(seed)
    return written([dice.choice(EVERYDAY) for _ in range(number)], first)


def rising(surge, ordinary, excess=terms.EXCESS):
    return terms.rising(surge, taken_apart(ordinary), excess)


def words(found):
    return {word for term in found.terms for word in term.words}


@pytest.mark.parametrize(
    ("planted", "term"),
    [
        ("Cannot reach the dashboard, only a spinner", "dashboard"),
        ("It says error E1234 when I save", "e1234"),
        ("Seit heute geht die Anmeldung nicht", "anmeldung"),
        ("Es kommt nur noch eine Fehlermeldung", "fehlermeldung"),
        ("STRAßENKARTE wird nicht geladen", "straßenkarte"),
        ("La page de connexion tourne sans fin", "connexion"),
        ("无法登录", "登录"),
    ],
)
def test_planted_words_are_found_in_every_language(planted, term):
    surge = written([planted] * 30) + everyday(30, seed=2, first=30)
    found = rising(surge, everyday(500, first=5000))
    rule = found.rule
    assert rule is not None
    assert rule.share == pytest.approx(0.5, abs=0.05)
    assert rule.ordinary == 0
    assert share_mentioning([term], surge)[0] == 30
    assert any(word in planted.lower() for word in rule.words)
    assert set(rule.samples) <= {one.ticket for one in surge[:30]}


def test_two_languages_of_one_trouble_are_joined_by_or():
    surge = written(["The dashboard is empty"] * 30 + ["Die Übersicht ist leer"] * 20) + everyday(15, first=100)
    found = rising(surge, everyday(500, first=5000))
    assert found.rule is not None
    assert 2 <= len(found.rule.words) <= RULE
    assert found.rule.share == pytest.approx(50 / 65)


def test_an_error_code_is_told_with_its_word():
    found = rising(written(["error 500"] * 40), everyday(500, first=5000))
    assert words(found) == {"error 500"}


def test_one_persons_flood_names_nothing():
    flood = [Written(1, number, "my chinchilla escaped") for number in range(200)]
    found = rising(everyday(40, first=10) + flood, everyday(500, first=5000))
    assert found.people == 41
    assert found.terms == ()


def test_ordinary_words_are_never_named():
    found = rising(everyday(200), everyday(2000, seed=3, first=5000))
    assert (found.terms, found.rule) == ((), None)
    mixed = rising(written(["The dashboard is empty"] * 60) + everyday(60, first=100), everyday(2000, first=5000))
    assert words(mixed) <= {"dashboard", "empty", "dashboard empty"}


def test_what_everybody_always_writes_is_no_news_even_when_no_list_knows_the_word():
    often = written([f"Zorblax greets you, {text}" for text in EVERYDAY] * 60, first=5000)
    surge = written([f"Zorblax greets you, dashboard empty {number}" for number in range(40)])
    assert "zorblax" not in words(rising(surge, often))
    assert any("zorblax" in word for word in words(rising(surge, everyday(500, first=5000))))


@pytest.mark.parametrize("texts", [[], [""], ["", "", ""], ["a"], ["dashboard"], ["dashboard", "dashboard"]])
def test_little_is_no_ground_for_saying_anything(texts):
    found = rising(written(texts), everyday(100, first=5000))
    assert (found.people, found.terms, found.rule) == (len(texts), (), None)


def test_nothing_is_claimed_of_ordinary_weeks_that_nobody_knows():
    found = rising(written(["The dashboard is empty"] * 30), [])
    assert found.ordinary == 0
    assert {term.ordinary for term in found.terms} == {None}
    assert found.rule is not None
    assert found.rule.words


def test_a_hostile_text_costs_no_more_than_what_is_read_of_it():
    def spent(texts):
        began = time.process_time()
        rising(written(texts), everyday(50, first=5000))
        return time.process_time() - began

    dice = random.Random(1)
    long = " ".join(f"w{dice.randrange(10**6)}" for _ in range(150_000))
    assert len(long) > 1_000_000
    whole, part = spent([long] * 60), spent([long[:LETTERS]] * 60)
    assert whole < 5 * part + 0.05
    assert rising(written(["x" * 10**6, "\0" * 10**6, "😀" * 10**6] * 2), []).terms == ()


def test_words_that_nobody_else_writes_take_no_memory():
    dice = random.Random(1)
    texts = [" ".join(f"w{dice.randrange(10**9)}" for _ in range(200)) for _ in range(400)]
    surge, ordinary = written(texts), everyday(50, first=5000)
    tracemalloc.start()
    try:
        rising(surge, ordinary)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * BUCKETS + 8 * sum(map(len, texts))


def test_alike_terms_are_told_once():
    found = rising(
        written(["alpha beta gamma delta epsilon zeta eta theta iota kappa"] * 30), everyday(500, first=5000)
    )
    assert len(found.terms) == 1


def test_the_score_grows_with_the_difference_and_with_the_people():
    assert log_odds(50, 100, 10, 1000) > log_odds(20, 100, 10, 1000) > log_odds(5, 100, 50, 1000)
    assert log_odds(50, 100, 10, 1000) > log_odds(5, 10, 10, 1000)
    assert log_odds(10, 100, 100, 1000) == pytest.approx(0, abs=1e-9)


TEXTS = st.lists(
    st.tuples(
        st.integers(0, 20), st.one_of(st.text(max_size=60), st.sampled_from([*EVERYDAY, "error 500", "500 error"]))
    ),
    max_size=40,
)


@given(TEXTS, TEXTS, st.floats(-1, 2))
def test_shares_are_shares_and_the_same_texts_say_the_same(surge, ordinary, excess):
    here = [Written(person, number, text) for number, (person, text) in enumerate(surge)]
    there = [Written(person, number, text) for number, (person, text) in enumerate(ordinary)]
    found = rising(here, there, excess)
    assert isinstance(found, Found)
    assert found == rising(here, there, excess)
    assert found.people == len({person for person, _ in surge})
    assert len(found.terms) <= SHOWN
    tickets = {one.ticket for one in here}
    for term in [*found.terms, *([found.rule] if found.rule else [])]:
        assert 0 < term.share <= 1
        assert term.ordinary is None or 0 <= term.ordinary <= 1
        assert term.people == share_mentioning(term.words, here)[0]
        assert set(term.samples) <= tickets
        assert 1 <= len(term.words) <= RULE
