import re
from pathlib import Path

import pytest
from django.conf import settings as house

from voice.words import digits, sentence

FOLDER = Path(house.BASE_DIR) / "templates" / "voice" / "words"
NAMES = sorted({path.name.split(".")[0] for path in FOLDER.iterdir()})
WHOLE = {"number": "1 2 3", "problem": "Logins fail", "url": "https://status.example.com"}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_is_there_in_every_language_and_uses_what_the_other_uses(name, language):
    assert (FOLDER / f"{name}.{language}.txt").exists()
    said = sentence(name, language, **WHOLE)
    assert said
    assert not set("{}<>&") & set(said)
    used = [set(re.findall(r"{{ *(\w+)", (FOLDER / f"{name}.{tag}.txt").read_text())) for tag in ("en", "de")]
    assert used[0] == used[1]


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("en", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("zh-Hant-TW", "en"),
        ("", "en"),
        ("-", "en"),
        ("../../secret", "en"),
        ("en.txt", "en"),
    ],
)
def test_the_nearest_language_that_has_a_sentence_speaks(asked, spoken):
    assert sentence("goodbye", asked) == sentence("goodbye", spoken)
    assert sentence("goodbye", "en") != sentence("goodbye", "de")


@pytest.mark.parametrize("name", ["any_line", "status_link"])
def test_what_people_named_is_spoken_as_it_is_and_not_as_html(settings, name):
    settings.ORGANISATION = "Smith & Sons <'\">"
    assert "Smith & Sons <'\">" in sentence(name, "en", **WHOLE)


@pytest.mark.parametrize(
    ("number", "spoken"), [("+12015550123", "1 2 0 1 5 5 5 0 1 2 3"), ("", ""), ("anonymous", ""), ("4-2", "4 2")]
)
def test_a_number_is_spoken_digit_by_digit(number, spoken):
    assert digits(number) == spoken
