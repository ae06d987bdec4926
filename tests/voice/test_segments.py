import pytest

from voice.segments import segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        # the extension table counts twice
        ("€" * 80, 1),
        ("€" * 81, 2),
        # anything else makes all of it UCS-2
        ("“" * 70, 1),
        ("“" * 71, 2),
        ("a" * 69 + "“", 1),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("Grüße, Ärger, Ölñ", 1),
    ],
)
def test_what_a_text_costs(text, expected):
    assert segments(text) == expected
