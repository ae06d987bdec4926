"""What mail servers report of our mail: not delivered, delayed (RFC 3464, and prose), complained about (RFC 5965)."""

import re
from email.message import Message

from tickets.mail import headers
from tickets.mail.parsing import Parts
from tickets.message import Bounce, Report

# Characters of a report in prose that are looked at.
LOOKED_AT = 6000

_MACHINE = re.compile(
    r"(?i)^(?:mailer-daemon|postmaster|post_master|mail-daemon|double-bounce|mdaemon|mail\.delivery\.\w+|"
    r"bounces?|no-?reply|complaints?)[^@]*@|^$"
)
_FAILURE_SUBJECT = re.compile(
    r"(?i)undeliver|delivery[ -](?:status|fail|has failed|notification|problem|delayed|error)|returned mail|"
    r"failure notice|mail(?: delivery)? fail|returned? to sender|returning to sender|delayed mail|mail system error|"
    r"could not (?:be delivered|send message)|error sending your mail|message (?:\S+ )?delayed|"
    r"non remis|unzustellbar|nicht zugestellt|não (?:foi )?entregue|no se (?:ha )?pud\w+ entregar|mancato recapito|"
    r"не доставлено|недоставлен|配信できません|メールエラー|送信できません|退信|无法投递"
)
_FAILURE_TEXT = re.compile(
    r"(?i)(?:delivery|delivering|deliver(?:ed)?)\b[^.]{0,80}\b(?:fail|error|problem|unable|could not|not be)|"
    r"(?:could|can) ?not be delivered|(?:undeliverable|permanent(?:ly)? (?:fatal )?(?:error|fail))|"
    r"unable to deliver|(?:user|host|recipient) unknown|no such user|mailbox (?:is )?(?:full|unavailable)|"
    r"returned (?:permanent )?error|did not reach|\b[45]\d\d[ -][45]\.\d\.\d{1,3}\b"
)
# The form that Hotmail's reports had before the standard, and still have.
_COMPLAINT_SUBJECT = re.compile(r"(?i)^complaint about message from [\d.:a-f]+$")
_DELAY = re.compile(
    r"(?i)\bdelayed\b|still being retried|warning: (?:message|could not send)|\(delay\)|will be retried"
)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b(?!\.\d)")
_RECIPIENT = re.compile(r"[^\s<>:;,\"'()\[\]]{1,64}@[^\s<>:;,\"'()\[\]]{1,190}\.[a-z]{2,20}", re.IGNORECASE)
_ORIGINAL_ID = re.compile(r"(?im)^[ \t>]*message-id:\s*(<[^<>\s]{1,250}>)")

# RFC 3463: the address, its domain or its mailbox does not exist or takes no mail.
_NO_ADDRESS = re.compile(r"5\.1\.(?:1|2|3|6|10)$|5\.4\.4$")
_NOBODY = re.compile(
    r"(?i)(?:user|recipient|mailbox|addressee|account|alias)s?(?: \S+){0,2} "
    r"(?:unknown|not found|does ?n.t exist|not exist)|"
    r"(?:unknown|invalid|no such|nonexistent) (?:\w+ )?(?:user|recipient|mailbox|address|account|local part)|"
    r"(?:host|domain)(?: name)? (?:unknown|not found|does ?n.t exist)|unknown host|nxdomain|no mx|unrouteable|"
    r"address (?:rejected: user|does ?n.t exist|not found)|(?:has|have) moved"
)
# Refusals of this message, of its sender or for now: the address may be good.
_OTHER_REASON = re.compile(
    r"(?i)\bspam|\bblocked|black ?list|block ?list|\bpolicy|\bdmarc|"
    r"\bspf\b|\bdkim|quota|mailbox (?:is )?full|"
    r"over(?:drawn| quota)|too (?:large|big|many)|rate limit|\bvirus|reputation|relay|"
    r"suspended|disabled|inactive|reverse dns|\bptr\b"
)


def reports(parts: Parts) -> tuple[Bounce, ...]:
    """What is reported, a recipient each; empty if this is no report."""
    if parts.feedback:
        return tuple(_complaint(group, parts) for group in parts.feedback if group.get("Feedback-Type"))
    if parts.originals and _COMPLAINT_SUBJECT.match(headers.text(parts.head, "Subject")):
        return (_complaint(parts.head, parts),)
    groups = [group for group in parts.statuses if _recipient(group)]
    if groups:
        return tuple(filter(None, (_status(group) for group in groups)))
    return _prose(parts) if _is_prose_report(parts) else ()


def original_ids(parts: Parts) -> tuple[str, ...]:
    """Message-IDs of the mail that is reported on: from its copy, its headers, or their text."""
    found: dict[str, None] = {}
    for head in parts.originals:
        found.update(dict.fromkeys(headers.message_ids(head, "Message-ID")))
    found.update(dict.fromkeys(_ORIGINAL_ID.findall(parts.text[:50_000])[:20]))
    found.update(dict.fromkeys(headers.message_ids(parts.head, "References", "In-Reply-To")))
    return tuple(found)


def is_about_address(status: str, reason: str) -> bool:
    """Whether a failure says that the address itself is no good, so that nothing more is sent to it."""
    if status.startswith(("2", "4")) or _OTHER_REASON.search(reason):
        return False
    return bool(_NO_ADDRESS.match(status) or _NOBODY.search(reason))


def _recipient(group: Message) -> str:
    for name in ("Final-Recipient", "Original-Recipient", "X-Actual-Recipient"):
        value = headers.raw(group, name)
        if value:
            return (value.partition(";")[2] or value).strip(" <>").lower()
    return ""


def _status(group: Message) -> Bounce | None:
    """One recipient's group of a delivery status; None where the mail was delivered or passed on."""
    action = headers.raw(group, "Action").lower()
    if action.startswith(("delivered", "relayed", "expanded")):
        return None
    reason = headers.text(group, "Diagnostic-Code")
    reason = (reason.partition(";")[2] or reason).strip()
    found = _STATUS.search(headers.raw(group, "Status")) or _STATUS.search(reason)
    status = found[1] if found else ""
    delayed = action.startswith("delayed")
    return Bounce(
        _recipient(group),
        status,
        reason[:300],
        permanent=not delayed and is_about_address(status, reason),
        kind=Report.DELAYED if delayed else Report.FAILED,
    )


def _complaint(group: Message, parts: Parts) -> Bounce:
    recipient = _RECIPIENT.search(headers.raw(group, "Original-Rcpt-To"))
    if recipient is None and parts.originals:
        recipient = _RECIPIENT.search(headers.raw(parts.originals[0], "To"))
    reason = f"complaint: {headers.raw(group, 'Feedback-Type')[:60] or 'by subject'}"
    return Bounce(recipient[0].lower() if recipient else "", "", reason, permanent=True, kind=Report.COMPLAINT)


def _is_prose_report(parts: Parts) -> bool:
    """A machine wrote it, and its subject or its first words speak of a mail that was not delivered."""
    head = parts.head
    if headers.raw(head, "X-Failed-Recipients"):
        return True
    senders = headers.addresses(head, "From")
    machine = _MACHINE.match(senders[0].email if senders else "") or headers.raw(head, "Return-Path") == "<>"
    if not machine:
        return False
    subject, text = headers.text(head, "Subject"), parts.text[:LOOKED_AT]
    named_so = _FAILURE_SUBJECT.search(subject)
    return bool(named_so and (_FAILURE_TEXT.search(text) or _STATUS.search(text) or _RECIPIENT.search(text)))


def _prose(parts: Parts) -> tuple[Bounce, ...]:
    """The first address and status code that a report in prose names."""
    text = parts.text[:LOOKED_AT]
    named = headers.raw(parts.head, "X-Failed-Recipients") or text
    recipient, status = _RECIPIENT.search(named), _STATUS.search(text)
    code = status[1] if status else ""
    why = status or _FAILURE_TEXT.search(text) or recipient
    reason = " ".join(text[max(why.start() - 100, 0) : why.start() + 300].split()) if why else ""
    delayed = bool(_DELAY.search(headers.text(parts.head, "Subject")))
    return (
        Bounce(
            recipient[0].lower() if recipient else "",
            code,
            reason,
            permanent=not delayed and is_about_address(code, reason),
            kind=Report.DELAYED if delayed else Report.FAILED,
        ),
    )
