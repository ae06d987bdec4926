"""Bounces and complaints that Amazon SES sends as JSON by mail (SNS): who, why, and about which message."""

import json
from typing import Any

from tickets.mail.failures import is_about_address
from tickets.mail.parsing import Parts
from tickets.message import Bounce, Report

# Characters of a notification, and recipients of one.
LONGEST, MOST_RECIPIENTS = 100_000, 100
# Its list of recipients, by what is reported.
_LISTS = {"bounce": "bouncedRecipients", "complaint": "complainedRecipients"}


def notification(parts: Parts) -> dict[str, Any] | None:
    """The notification that a mail's text is; None if it is none."""
    text = parts.text[:LONGEST].strip()
    if not text.startswith("{") or not ("notificationType" in text or "eventType" in text):
        return None
    # Mail servers break lines of a thousand characters with "!" and a blank.
    found = _object(text) or _object(text.replace("!\n ", ""))
    inner = found.get("Message") if found else None
    return _object(inner) or _object(inner.replace("!\n ", "")) if isinstance(inner, str) else found


def _object(text: str) -> dict[str, Any] | None:
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def reports(found: dict[str, Any]) -> tuple[Bounce, ...]:
    """What it reports, a recipient each; nothing for deliveries and whatever else is notified of."""
    what = str(found.get("notificationType") or found.get("eventType") or "").lower()
    details = found.get(what)
    people = details.get(_LISTS.get(what, "")) if isinstance(details, dict) else None
    if not isinstance(details, dict) or not isinstance(people, list):
        return ()
    one = _complaint if what == "complaint" else _bounce
    return tuple(one(person, details) for person in people[:MOST_RECIPIENTS] if isinstance(person, dict))


def message_ids(found: dict[str, Any]) -> list[str]:
    """The provider's id of the message reported on, as SES puts it into the Message-ID."""
    mail = found.get("mail")
    value = str(mail.get("messageId", "")) if isinstance(mail, dict) else ""
    return [f"<{value}>"] if value and not set(value) & set("<> \n") else []


def _bounce(person: dict[str, Any], details: dict[str, Any]) -> Bounce:
    status, reason = str(person.get("status", ""))[:20], str(person.get("diagnosticCode", ""))[:300]
    reason = reason or str(details.get("bounceSubType", ""))[:300]
    passing = str(details.get("bounceType", "")).lower() == "transient"
    return Bounce(_address(person), status, reason, permanent=not passing and is_about_address(status, reason))


def _complaint(person: dict[str, Any], details: dict[str, Any]) -> Bounce:
    reason = f"complaint: {str(details.get('complaintFeedbackType') or 'by the provider')[:60]}"
    return Bounce(_address(person), "", reason, permanent=True, kind=Report.COMPLAINT)


def _address(person: dict[str, Any]) -> str:
    return str(person.get("emailAddress", ""))[:320].strip(" <>").lower()
