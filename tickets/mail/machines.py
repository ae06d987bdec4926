"""What machines wrote, as headers and subject say: automatic answers (RFC 3834), our own mail coming back."""

import re
from email.message import Message

from django.conf import settings

from tickets.mail import headers, tokens

# Only words that no customer begins a subject with: "Auto insurance" and "Vacation bookings fail" are people's.
_AUTOMATIC_SUBJECT = re.compile(
    r"(?i)^\s*(?:(?:re|aw|sv|rv|tr|fwd?)\s*:\s*)*\[?(?:out of (?:the )?office|"
    r"auto(?:matic|mated|matisk\w*)?[ -]?(?:re(?:ply|sponse)|svar)|automatische antwort|automatisch antwoord|"
    r"abwesend|abwesenheit(?:s(?:notiz|nachricht|meldung|assistent)|\s*:)|"
    r"absence du bureau|réponse automatique|fuori sede|"
    r"respuesta automática|resposta automática|risposta automatica|"
    r"fuera de (?:la )?oficina|afwezig|odpowiedź automatyczna|автоматический ответ|автоответ|自動応答|自动回复|"
    r"(?:on )?vacation (?:reply|response|message|notice)|i am on vacation)"
)
_ROBOT = re.compile(r"(?i)^(?:mailer-daemon|mail-daemon|double-bounce|mdaemon)@")
_AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-Suppress", "X-Mail-Autoreply")


def is_automatic(head: Message) -> bool:
    """Whether a machine wrote this, as its headers and subject say."""
    submitted = headers.raw(head, "Auto-Submitted").lower()
    precedence = headers.raw(head, "Precedence").lower()
    return bool(
        (submitted and not submitted.startswith("no"))
        or precedence in ("bulk", "junk", "auto_reply")
        or any(headers.raw(head, name) for name in _AUTOMATIC_HEADERS)
        or _is_by_list(head, precedence)
        or headers.raw(head, "Return-Path") == "<>"
        or _ROBOT.match(_sender(head))
        or _AUTOMATIC_SUBJECT.search(headers.text(head, "Subject"))
    )


def _is_by_list(head: Message, precedence: str) -> bool:
    """Whether a mailing list sent this; one of our own (a group that forwards to support) passes people's mail on."""
    marks = [headers.raw(head, name) for name in ("List-Id", "List-Post", "List-Unsubscribe")]
    if not any(marks) and precedence != "list":
        return False
    own = settings.SUPPORT_ADDRESS.rpartition("@")[2].lower()
    return not any(re.search(rf"(?:[@.]|^){re.escape(own)}(?:[>\s,?]|$)", mark.lower()) for mark in marks[:2])


def is_own(head: Message) -> bool:
    """Whether this is a mail of ours that came back: it bears a Message-ID that only we can make."""
    return tokens.ticket_of_message_id(headers.raw(head, "Message-ID")) is not None


def _sender(head: Message) -> str:
    senders = headers.addresses(head, "From")
    return senders[0].email if senders else ""
