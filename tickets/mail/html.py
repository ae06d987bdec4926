"""HTML of a message: made safe to show, and made text where a message has no other."""

import re
from collections import Counter
from html import unescape

import nh3

# Elements open at once beyond which HTML is hostile: the sanitiser's time grows with the square of it.
DEEPEST = 3000

_BREAKS = re.compile(r"(?i)<(?:br|/p|/div|/tr|/h[1-6]|/li|/table|/blockquote)\b[^<>]*+>")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)")
_ANY_TAG = re.compile(r"<[^<>]*+>")
# Elements that end by themselves, or hold nothing.
_SHALLOW = frozenset("p li dd dt td th tr tbody thead tfoot option br img hr meta link input col area base wbr".split())


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Remote images tell their sender who reads: only those inside the message are shown."""
    if tag == "img" and name == "src" and not value.lower().startswith("cid:"):
        return None
    return value


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
    """HTML without scripts, styles, forms and remote images; nothing of HTML that is too deep."""
    if not html or is_too_deep(html):
        return ""
    schemes = {"http", "https", "mailto", "tel", "cid"}
    return nh3.clean(html, url_schemes=schemes, attribute_filter=_attribute, link_rel="noopener noreferrer nofollow")


def as_text(html: str) -> str:
    """The words of HTML, a line a block."""
    broken = _BREAKS.sub("\n", html)
    silent = {"script", "style", "title"}
    words = _ANY_TAG.sub("", broken) if is_too_deep(html) else nh3.clean(broken, tags=set(), clean_content_tags=silent)
    lines = (" ".join(line.split()) for line in unescape(words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
