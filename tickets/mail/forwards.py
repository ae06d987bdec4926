"""A customer's message that a colleague forwards to us: who wrote it, and whether the colleague's server vouches."""

import re
from collections.abc import Sequence
from email.message import Message

from django.conf import settings

from tickets.mail import headers, html
from tickets.mail.attributions import bare, header_block, is_marker
from tickets.mail.parsing import parse
from tickets.message import File, Forwarded

# Lines of the colleague's own words before the forwarded message, at the most.
LOOKED_THROUGH = 200
_ADDRESS = re.compile(
    r"(?P<name>[^<>\[\]:]{0,120}?)[\s\"*]*[<\[(]?(?:mailto:)?(?P<email>[\w.+'-]{1,64}@[\w.-]{1,190}\.\w{2,24})"
)
_PREFIX = re.compile(r"(?i)^\s*(?:(?:fwd?|wg|tr|rv|enc|i|doorst|vs|vl|vb|vid|pd|转发|轉寄)\s*[:：]\s*)+")
_METHOD = re.compile(r"(?i)\b(dkim|dmarc)\s*=\s*(\w+)([^;]*)")
_PROPERTY = re.compile(r"(?i)\b(header\.(?:d|i|from))\s*=\s*\"?@?(?:[^\s;\"@]*@)?([\w.-]+)")


def find(subject: str, text: str, files: Sequence[File]) -> Forwarded | None:
    """The message that another forwards, quoted or attached; None unless the subject says so and it has a sender."""
    return (_attached(text, files) or _quoted(subject, text)) if _PREFIX.match(subject) else None


def _attached(comment: str, files: Sequence[File]) -> Forwarded | None:
    inner = [file for file in files if file.content_type == "message/rfc822"]
    if len(inner) != 1:
        return None
    parts = parse(inner[0].content)
    senders = headers.addresses(parts.head, "From")
    if not senders:
        return None
    text = parts.text.strip() or html.as_text(parts.html)
    return Forwarded(senders[0].email, senders[0].name, headers.text(parts.head, "Subject"), text, comment.strip())


def _quoted(subject: str, text: str) -> Forwarded | None:
    raw = text.splitlines()
    lines = [bare(line) for line in raw]
    for first in range(min(len(lines), LOOKED_THROUGH)):
        length = header_block(lines, first)
        sender = _ADDRESS.search(_value(lines[first : first + length])) if length else None
        if sender:
            above = raw[: first - 1 if first and is_marker(lines[first - 1]) else first]
            while above and (not above[-1].strip() or is_marker(bare(above[-1]))):
                above.pop()
            return Forwarded(
                email=sender["email"].lower(),
                name=sender["name"].strip(" *\"'"),
                subject=_PREFIX.sub("", subject).strip(),
                text="\n".join(raw[first + length :]).strip(),
                comment="\n".join(above).strip(),
            )
    return None


def is_vouched_for(head: Message) -> bool:
    """Whether our own mail server says that the From is genuine: an aligned DKIM or DMARC pass (RFC 8601, 7489).

    Only the topmost Authentication-Results of the configured server counts; others anybody can write.
    """
    server = settings.AUTHENTICATION_SERVER.lower()
    senders = headers.addresses(head, "From")
    if not server or len(senders) != 1:
        return False
    domain = senders[0].email.rpartition("@")[2].lower()
    for value in head.get_all("Authentication-Results") or []:
        named, _, results = str(value).partition(";")
        if named.split()[:1] and named.split()[0].lower() == server:
            return any(_passes(*method.groups(), domain=domain) for method in _METHOD.finditer(results))
    return False


def _passes(method: str, result: str, properties: str, *, domain: str) -> bool:
    if result.lower() != "pass":
        return False
    wanted = ("header.from",) if method.lower() == "dmarc" else ("header.d", "header.i")
    named = {name.lower(): value.lower().strip(".") for name, value in _PROPERTY.findall(properties)}
    return any(_is_aligned(domain, named[name]) for name in wanted if name in named)


def _is_aligned(domain: str, signer: str) -> bool:
    """Relaxed alignment: the same domain, or one above that is no mere ending."""
    return domain == signer or ("." in signer and domain.endswith(f".{signer}"))


def _value(block: Sequence[str]) -> str:
    """The line that names the sender, which a long name can wrap."""
    first = next((place for place, line in enumerate(block) if "@" in line), 0)
    line = block[first] if block else ""
    return line.partition(":")[2] or line.partition("：")[2] or line
