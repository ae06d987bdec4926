from html import escape

import pytest

from tickets.mail.html import (
    as_text,
    has_remote_images,
    is_too_deep,
    sanitised,
    with_inline_images,
    with_remote_images,
)

VECTORS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='jAvAsCrIpT&colon;alert(1)'>x</a>",
    "<iframe src='https://evil.example'></iframe>",
    "<form action='https://evil.example'><input name=password></form>",
    "<style>@import 'https://evil.example/alert'</style>",
    "<div style='background:url(https://evil.example/alert)'>x</div>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data='data:text/html,alert(1)'></object>",
    "<img srcset='https://evil.example/pixel.gif 1x'>",
    "<link rel=stylesheet href=https://evil.example/alert>",
]


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_runs_and_nothing_is_fetched(vector):
    shown = sanitised(vector)
    for word in ("onerror", "onload", "javascript:", "evil.example", "<script", "<style", "<iframe", "<form", "<svg"):
        assert word not in shown.lower() or word == "onerror" and "title=" in shown


@pytest.mark.parametrize("address", ["https://evil.example/p.gif?a=1&b=2", "HTTP://evil.example/p.gif"])
def test_remote_images_are_held_back_until_asked_for(address):
    shown = sanitised(f'<p><img src="{address}" alt="logo"></p>')
    assert ' src="' not in shown
    assert has_remote_images(shown)
    assert f' src="{escape(address)}"' in with_remote_images(shown)


@pytest.mark.parametrize("address", ["//evil.example/p.gif", "p.gif", "data:image/svg+xml,x", "javascript:alert(1)"])
def test_images_from_elsewhere_are_gone(address):
    shown = with_remote_images(sanitised(f'<img src="{address}">'))
    assert "src" not in shown


def test_nothing_written_in_a_message_becomes_an_image():
    shown = with_remote_images(sanitised('<p>x data-remote-src="https://evil.example/p.gif" held-1: y</p>'))
    assert "<img" not in shown


def test_inline_images_get_the_address_of_their_file():
    shown = with_inline_images(
        sanitised('<img src="cid:a&amp;b@x"><img src="cid:gone">'), {"a&b@x": "data:image/png,1"}
    )
    assert 'src="data:image/png,1"' in shown
    assert "cid:" not in shown


def test_images_inside_the_message_stay():
    assert 'src="cid:logo@x"' in sanitised('<img src="cid:logo@x">')


def test_links_open_without_telling_where_from():
    assert 'rel="noopener noreferrer nofollow"' in sanitised('<a href="https://example.org">x</a>')


@pytest.mark.parametrize(
    ("html", "deep"),
    [("<div>" * 4000, True), ("<div></div>" * 4000, False), ("<p>" * 4000, False), ("<div></b>" * 4000, True)],
)
def test_depth_is_what_is_open_at_once(html, deep):
    assert is_too_deep(html) is deep


def test_html_that_is_too_deep_is_text_only():
    html = "<div>" * 4000 + "It does not work."
    assert (sanitised(html), as_text(html)) == ("", "It does not work.")
