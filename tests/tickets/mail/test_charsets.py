import pytest

from tickets.mail.charsets import known, text_of


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode("cp1252"), None, "Grüße"),
        ("“Grüße”".encode("cp1252"), "iso-8859-1", "“Grüße”"),
        ("Grüße".encode("cp1252"), "us-ascii", "Grüße"),
        ("Grüße".encode(), "x-nowhere", "Grüße"),
        ("Grüße".encode(), "zip", "Grüße"),
        ("Grüße".encode(), "punycode", "Grüße"),
        ("你好".encode("gb18030"), "GB2312", "你好"),
        ("שלום".encode("iso-8859-8"), "iso-8859-8-i", "שלום"),
        ("日本".encode("iso-2022-jp"), "iso-2022-jp", "日本"),
        (b"Gr+APw-+AN8-e", "unicode-1-1-utf-7", "Grüße"),
        (b"\xff\xfe\x81", None, "ÿþ\x81"),
    ],
)
def test_bytes_become_the_likeliest_text(content, charset, text):
    assert text_of(content, charset) == text


@pytest.mark.parametrize("name", ["", "x-nowhere", "zip", "idna", "unicode_escape", "a\0b", "x" * 5000])
def test_what_is_no_charset_is_unknown(name):
    assert known(name) is None
