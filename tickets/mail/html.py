"""HTML of a message: made safe to show, and made text where a message has no other."""

import re
import secrets
from collections import Counter
from collections.abc import Mapping
from html import unescape

import nh3

# Elements open at once beyond which HTML is hostile: the sanitiser's time grows with the square of it.
DEEPEST = 3000
# Where the address of a remote image stands until somebody asks for it.
HELD = ' data-remote-src="'

_BREAKS = re.compile(r"(?i)<(?:br|/p|/div|/tr|/h[1-6]|/li|/table|/blockquote)\b[^<>]*+>")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)")
_CID = re.compile(r'(?i)\bsrc="cid:([^"]*+)"')
_ANY_TAG = re.compile(r"<[^<>]*+>")
# Elements that end by themselves, or hold nothing.
_SHALLOW = frozenset("p li dd dt td th tr tbody thead tfoot option br img hr meta link input col area base wbr".split())


def is_too_deep(html: str) -> bool:
    """Whether more elements are open at once than any mail program writes."""
    still_open: Counter[str] = Counter()
    depth = 0
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if name in _SHALLOW:
            continue
        if not found[1]:
            still_open[name] += 1
            depth += 1
        elif still_open[name]:
            still_open[name] -= 1
            depth -= 1
        if depth > DEEPEST:
            return True
    return False


def sanitised(html: str) -> str:
    """HTML without scripts, styles and forms, remote images held back; nothing of HTML that is too deep.

    Remote images tell their sender who reads: their address stands where no browser looks (`with_remote_images`).
    """
    if not html or is_too_deep(html):
        return ""
    # Chosen anew each time, so that nothing in a message can look like what we hold back.
    held = f"held-{secrets.token_hex(8)}:"

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag != "img" or name != "src" or value.lower().startswith("cid:"):
            return value
        return held + value if value.lower().startswith(("https://", "http://")) else None

    schemes = {"http", "https", "mailto", "tel", "cid"}
    clean = nh3.clean(html, url_schemes=schemes, attribute_filter=attribute, link_rel="noopener noreferrer nofollow")
    return clean.replace(f' src="{held}', HELD)


def has_remote_images(html: str) -> bool:
    """Whether sanitised HTML holds images back."""
    return HELD in html


def with_remote_images(html: str) -> str:
    """Sanitised HTML with the images that were held back."""
    return html.replace(HELD, ' src="')


def with_inline_images(html: str, images: Mapping[str, str]) -> str:
    """Sanitised HTML with images of the message itself: `images` gives a URL for each Content-ID."""
    return _CID.sub(lambda found: f'src="{images.get(unescape(found[1]).lower(), "")}"', html)


def as_text(html: str) -> str:
    """The words of HTML, a line a block."""
    broken = _BREAKS.sub("\n", html)
    silent = {"script", "style", "title"}
    words = _ANY_TAG.sub("", broken) if is_too_deep(html) else nh3.clean(broken, tags=set(), clean_content_tags=silent)
    lines = (" ".join(line.split()) for line in unescape(words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
