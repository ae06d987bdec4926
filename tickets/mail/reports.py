"""What mail servers report of our mail: not delivered, delayed (RFC 3464, prose, JSON), complained about (RFC 5965)."""

import re
from email.message import Message

from tickets.mail import headers, prose_reports, sns
from tickets.mail.failures import is_about_address
from tickets.mail.parsing import Parts
from tickets.message import Bounce, Report

# The form that Hotmail's reports had before the standard, and still have.
_COMPLAINT_SUBJECT = re.compile(r"(?i)^complaint about message from [\d.:a-f]+$")
_ORIGINAL_ID = re.compile(r"(?im)^[ \t>]*message-id:\s*(<[^<>\s]{1,250}>)")


def reports(parts: Parts) -> tuple[Bounce, ...]:
    """What is reported, a recipient each; empty if this is no report."""
    if parts.feedback:
        return tuple(_complaint(group, parts) for group in parts.feedback if group.get("Feedback-Type"))
    if parts.originals and _COMPLAINT_SUBJECT.match(headers.text(parts.head, "Subject")):
        return (_complaint(parts.head, parts),)
    groups = [group for group in parts.statuses if _recipient(group)]
    if groups:
        return tuple(filter(None, (_status(group) for group in groups)))
    if found := sns.notification(parts):
        return sns.reports(found)
    is_report = prose_reports.is_report(parts) or (parts.statuses and parts.originals)
    return (prose_reports.described(parts),) if is_report else ()


def original_ids(parts: Parts) -> tuple[str, ...]:
    """Message-IDs of the mail that is reported on: from its copy, its headers, or their text."""
    found: dict[str, None] = {}
    for head in parts.originals:
        found.update(dict.fromkeys(headers.message_ids(head, "Message-ID")))
    found.update(dict.fromkeys(_ORIGINAL_ID.findall(parts.text[:50_000])[:20]))
    found.update(dict.fromkeys(headers.message_ids(parts.head, "References", "In-Reply-To")))
    found.update(dict.fromkeys(sns.message_ids(sns.notification(parts) or {})))
    return tuple(found)


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
    found = prose_reports.STATUS.search(headers.raw(group, "Status")) or prose_reports.STATUS.search(reason)
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
    recipient = prose_reports.RECIPIENT.search(headers.raw(group, "Original-Rcpt-To"))
    if recipient is None and parts.originals:
        recipient = prose_reports.RECIPIENT.search(headers.raw(parts.originals[0], "To"))
    reason = f"complaint: {headers.raw(group, 'Feedback-Type')[:60] or 'by subject'}"
    return Bounce(recipient[0].lower() if recipient else "", "", reason, permanent=True, kind=Report.COMPLAINT)
