"""HTML of a message: made safe to show, and made text where a message has no other."""

import re
from html import unescape

import nh3

_BREAKS = re.compile(r"(?i)<(?:br|/p|/div|/tr|/h[1-6]|/li|/table|/blockquote)\b[^>]*>")
_SILENT = re.compile(r"(?is)<(style|script|head|title)\b.*?</\1\s*>")


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Remote images tell their sender who reads: only those inside the message are shown."""
    if tag == "img" and name == "src" and not value.lower().startswith("cid:"):
        return None
    return value


def sanitised(html: str) -> str:
    """HTML without scripts, styles, forms and remote images."""
    if not html:
        return ""
    schemes = {"http", "https", "mailto", "tel", "cid"}
    return nh3.clean(html, url_schemes=schemes, attribute_filter=_attribute, link_rel="noopener noreferrer nofollow")


def as_text(html: str) -> str:
    """The words of HTML, a line a block."""
    broken = _BREAKS.sub("\n", _SILENT.sub("", html))
    lines = (" ".join(line.split()) for line in unescape(nh3.clean(broken, tags=set())).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
