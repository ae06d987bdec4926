"""What machines wrote: automatic answers, bounces (RFC 3464), complaints (RFC 5965), our own mail coming back."""

import re
from email.message import Message

from tickets.mail import headers, tokens
from tickets.mail.parsing import Parts
from tickets.message import Bounce

_AUTOMATIC_SUBJECT = re.compile(
    r"(?i)^\s*(?:re:\s*)?(?:out of (?:the )?office|automatic reply|auto(?:matische antwort|mated|reply|-reply)?[ :]|"
    r"abwesenheit|absence|réponse automatique|respuesta automática|risposta automatica|afwezig|vacation)"
)
_BOUNCE_SUBJECT = re.compile(
    r"(?i)undeliver|delivery (?:status|failure|has failed|notification|problem)|returned mail|failure notice|"
    r"mail delivery failed|returned to sender|non remis|unzustellbar|could not be delivered"
)
_ROBOT = re.compile(r"(?i)^(?:mailer-daemon|postmaster|mail-daemon|double-bounce|mdaemon)@")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_RECIPIENT = re.compile(r"<?([^\s<>:;,\"()]+@[^\s<>:;,\"()]+\.[a-z]{2,})>?", re.IGNORECASE)


def is_automatic(head: Message) -> bool:
    """Whether a machine wrote this, as its headers and subject say."""
    submitted = headers.raw(head, "Auto-Submitted").lower()
    precedence = headers.raw(head, "Precedence").lower()
    return bool(
        (submitted and not submitted.startswith("no"))
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or any(headers.raw(head, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"))
        or any(headers.raw(head, name) for name in ("List-Id", "List-Unsubscribe"))
        or headers.raw(head, "Return-Path") == "<>"
        or _ROBOT.match(_sender(head))
        or _AUTOMATIC_SUBJECT.search(headers.text(head, "Subject"))
    )


def is_own(head: Message) -> bool:
    """Whether this is a mail of ours that came back: it bears a Message-ID that only we can make."""
    return tokens.ticket_of_message_id(headers.raw(head, "Message-ID")) is not None


def bounces(parts: Parts) -> tuple[Bounce, ...]:
    """The recipients that a bounce speaks of; empty if it is none."""
    fields = [block for part in parts.reports for block in _blocks(part) if block.get("Final-Recipient")]
    found = tuple(filter(None, (_bounce(block) for block in fields)))
    if found or fields:
        return found
    wild = _ROBOT.match(_sender(parts.head)) and _BOUNCE_SUBJECT.search(headers.text(parts.head, "Subject"))
    return _wild(parts) if wild else ()


def original_ids(parts: Parts) -> tuple[str, ...]:
    """Message-IDs of the mail that a report speaks of, from the copy or the headers it brings along."""
    found: dict[str, None] = {}
    for part in parts.reports:
        inner = part.get_payload()
        messages = inner if isinstance(inner, list) else []
        for message in messages:
            found.update(dict.fromkeys(headers.message_ids(message, "Message-ID")))
        if isinstance(inner, str):
            found.update(dict.fromkeys(re.findall(r"(?im)^message-id:\s*(<[^<>\s]+>)", inner[:20_000])))
    return tuple(found)


def _sender(head: Message) -> str:
    senders = headers.addresses(head, "From")
    return senders[0].email if senders else ""


def _blocks(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [block for block in inner if isinstance(block, Message)] if isinstance(inner, list) else []


def _bounce(block: Message) -> Bounce | None:
    """One recipient's block of a delivery status; None where it was delivered or only delayed."""
    action = headers.raw(block, "Action").lower()
    if action and action != "failed":
        return None
    recipient = headers.raw(block, "Final-Recipient").partition(";")[2].strip(" <>")
    status = _STATUS.search(headers.raw(block, "Status"))
    reason = headers.text(block, "Diagnostic-Code").partition(";")[2].strip()
    code = status[1] if status else ""
    return Bounce(recipient.lower(), code, reason[:300], permanent=code.startswith("5"))


def _wild(parts: Parts) -> tuple[Bounce, ...]:
    """A bounce in prose: the first address and status code it names."""
    recipient, status = _RECIPIENT.search(parts.text), _STATUS.search(parts.text)
    code = status[1] if status else ""
    return (Bounce(recipient[1].lower() if recipient else "", code, permanent=code.startswith("5")),)
