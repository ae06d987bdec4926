"""Public pages have all their words in every language, and English ones where a language lacks a page."""

import pytest

from tickets import wording


@pytest.mark.parametrize("page", ["errors", "help", "status"])
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_language_has_every_word(page, language, settings):
    own = (settings.BASE_DIR / "templates" / page / f"words.{language}.txt").read_text()
    keys = {line.partition(" = ")[0] for line in own.splitlines() if " = " in line}
    assert keys == set(wording.words(page, "en"))


def test_english_comes_first_and_names_are_the_languages_own():
    assert list(wording.LANGUAGES.items())[:2] == [("en", "English"), ("de", "Deutsch")]


@pytest.mark.parametrize(
    ("language", "said"),
    [("de", "Wie können wir"), ("de-AT", "Wie können wir"), ("xx", "How can we"), ("", "How can we")],
)
def test_a_language_without_words_is_told_in_english(language, said):
    assert wording.words("help", language)["heading"].startswith(said)


def test_facts_are_filled_in():
    assert wording.words("help", "de", files=5, megabytes=10)["files_help"] == "Bis zu 5 Dateien, zusammen 10 MB."


@pytest.mark.parametrize(
    ("tag", "name"), [("de", "German"), ("de-AT", "German"), ("pt-BR", "Brazilian Portuguese"), ("tlh", "tlh")]
)
def test_a_language_has_its_english_name_or_at_least_its_tag(tag, name):
    assert wording.name_of(tag) == name
