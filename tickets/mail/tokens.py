"""Signed tokens that lead an answer back to its ticket: in the reply address and in our own Message-IDs."""

import base64
import hashlib
import hmac
import re
import secrets

from django.conf import settings

from tickets.models import Ticket

# Characters of base32 that sign a number: 80 bits, and short enough for a local part (64 at the most).
SIGNATURE = 16
_ADDRESS = re.compile(rf"\+(\d{{1,18}})-([a-z2-7]{{{SIGNATURE}}})@", re.IGNORECASE)
_MESSAGE_ID = re.compile(rf"<?(\d{{1,18}})\.([0-9a-f]{{16}})\.([a-z2-7]{{{SIGNATURE}}})@", re.IGNORECASE)
_MARK = re.compile(rf"\[(\d{{1,18}})\.([a-z2-7]{{{SIGNATURE}}})\]")


def reply_address(ticket: Ticket) -> str:
    """The address whose mail joins this ticket: `support+<id>-<signature>@…`; upper or lower case does not matter."""
    local, _, domain = settings.SUPPORT_ADDRESS.rpartition("@")
    return f"{local}+{ticket.pk}-{_sign('reply', ticket.pk)}@{domain}"


def ticket_of(address: str) -> int | None:
    """The ticket that an address was made for; None when it bears no token or a wrong one."""
    found = _ADDRESS.search(address)
    if not found or not _matches(found[2], "reply", found[1]):
        return None
    return int(found[1])


def message_id(ticket: Ticket | None) -> str:
    """A new Message-ID of ours, with angle brackets; without a ticket it bears 0."""
    pk, once = (ticket.pk if ticket else 0), secrets.token_hex(8)
    return f"<{pk}.{once}.{_sign('message', pk, once)}@{settings.MAIL_DOMAIN}>"


def ticket_of_message_id(value: str) -> int | None:
    """The ticket of a Message-ID of ours, 0 for one of ours without a ticket, None for all others."""
    found = _MESSAGE_ID.search(value)
    if not found or not _matches(found[3], "message", found[1], found[2].lower()):
        return None
    return int(found[1])


def mark(ticket: Ticket) -> str:
    """What our automatic mails end with: whatever quotes it answers one of them."""
    return f"[{ticket.pk}.{_sign('mark', ticket.pk)}]"


def ticket_of_mark(text: str) -> int | None:
    """The ticket whose automatic mail a text quotes; None if it quotes none."""
    marks = (found for found in _MARK.finditer(text) if _matches(found[2], "mark", found[1]))
    return next((int(found[1]) for found in marks), None)


def _sign(*parts: object) -> str:
    text = ":".join(str(part) for part in parts)
    digest = hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:SIGNATURE]


def _matches(signature: str, *parts: object) -> bool:
    return hmac.compare_digest(signature.lower(), _sign(*parts))
