from datetime import UTC, datetime

import pytest

from tickets.mail.failures import is_about_address
from tickets.mail.reading import read
from tickets.message import Bounce, Report

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def report(*groups: str, kind: str = "delivery-status") -> bytes:
    status = "\n\n".join(("Reporting-MTA: dns; mx.example.org", *groups)) if kind == "delivery-status" else groups[0]
    return f"""From: MAILER-DAEMON@mx.example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type={kind}; boundary="b"

--b

A report.
--b
Content-Type: message/{kind}

{status}

--b
Content-Type: text/rfc822-headers

To: jo@example.org
Message-ID: <ours@example.com>
--b--
""".encode()


def prose(sender="MAILER-DAEMON@mx.example.org", subject="Undeliverable: Help", text="", **fields: str) -> bytes:
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return f"From: {sender}\nSubject: {subject}\n{extra}\n{text}\n".encode()


FAILED = (
    "Final-Recipient: rfc822; Jo@Example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user"
)
FULL = "Final-Recipient: rfc822; al@example.org\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 full"
DELAYED = "Final-Recipient: rfc822; bo@example.org\nAction: delayed\nStatus: 4.4.1"
DELIVERED = "Final-Recipient: rfc822; cy@example.org\nAction: delivered\nStatus: 2.0.0"


def test_a_report_tells_of_each_recipient():
    message = read(report(FAILED, FULL, DELAYED, DELIVERED), NOW)
    assert message.bounces == (
        Bounce("jo@example.org", "5.1.1", "550 no such user", permanent=True),
        Bounce("al@example.org", "5.2.2", "552 full"),
        Bounce("bo@example.org", "4.4.1", "", kind=Report.DELAYED),
    )
    assert message.references == ("<ours@example.com>",)
    assert message.automatic


def test_a_receipt_is_no_bounce():
    assert read(report(DELIVERED), NOW).bounces == ()


def test_a_complaint_names_who_complained_or_whose_mail_it_was():
    named = read(report("Feedback-Type: abuse\nOriginal-Rcpt-To: <al@example.org>", kind="feedback-report"), NOW)
    hidden = read(report("Feedback-Type: abuse", kind="feedback-report"), NOW)
    assert [(one.recipient, one.kind) for one in named.bounces] == [("al@example.org", Report.COMPLAINT)]
    assert [(one.recipient, one.kind) for one in hidden.bounces] == [("jo@example.org", Report.COMPLAINT)]


@pytest.mark.parametrize(
    ("raw", "recipient", "status", "kind"),
    [
        (prose(text="Delivery to jo@example.org failed: 550 5.1.1 unknown"), "jo@example.org", "5.1.1", "failed"),
        (prose(sender="<>", text="Could not be delivered to <jo@example.org>"), "jo@example.org", "", "failed"),
        (prose(subject="Mail delayed", text="jo@example.org: delayed mail"), None, "", ""),
        # A server that names its reports after the message, or not at all.
        (prose(subject="Re: Help", text="550 no such user here: <jo@example.org>"), "jo@example.org", "", "failed"),
        (
            prose(sender='"Mail System" <MAILER-DAEMON>', subject="x", text="jo@example.org [User unknown]"),
            "jo@example.org",
            "",
            "failed",
        ),
        (
            prose(
                sender="x@lists.example",
                subject="You jo@example.org are not member",
                X_MLServer="fml",
                text="jo@example.org may not write",
            ),
            "jo@example.org",
            "",
            "failed",
        ),
        (prose(subject="Delayed Mail (still being retried)", text="<jo@example.org>"), "jo@example.org", "", "delayed"),
        (prose(subject="x", text="no words", X_Failed_Recipients="jo@example.org"), "jo@example.org", "", "failed"),
        (
            prose(subject="Не доставлено: Ваше сообщение не доставлено", text="jo@example.org"),
            "jo@example.org",
            "",
            "failed",
        ),
    ],
)
def test_a_report_in_prose_is_known_by_its_sender_and_its_words(raw, recipient, status, kind):
    found = read(raw, NOW).bounces
    assert [(one.recipient, one.status, one.kind) for one in found] == (
        [(recipient, status, kind)] if recipient else []
    )


@pytest.mark.parametrize(
    ("sender", "subject"),
    [("jo@example.org", "Delivery failed: where is my parcel?"), ("postmaster@example.org", "A question about prices")],
)
def test_a_person_who_writes_about_deliveries_is_no_bounce(sender, subject):
    assert not read(prose(sender=sender, subject=subject, text="Nothing was delivered to jo@example.org"), NOW).bounces


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("5.1.1", "", True),
        ("5.1.10", "recipient not found", True),
        ("5.4.4", "unknown host", True),
        ("5.0.0", "550 user unknown", True),
        ("", "550 No such user here", True),
        ("5.2.2", "mailbox full", False),
        ("5.7.1", "blocked by policy", False),
        ("5.7.26", "DMARC", False),
        ("4.1.1", "user unknown", False),
        ("5.1.1", "rejected as spam", False),
        ("5.0.0", "", False),
    ],
)
def test_only_an_address_that_is_no_good_is_given_up(status, reason, expected):
    assert is_about_address(status, reason) is expected


SNS = """{"Type": "Notification", "Message": "{\\"notificationType\\":\\"%s\\",\\"bounce\\":{\\"bounceType\\":\\"Permanent\\",!
 \\"bouncedRecipients\\":[{\\"emailAddress\\":\\"Jo@example.org\\",\\"status\\":\\"5.1.1\\",\\"diagnosticCode\\":\\"smtp; 550 user unknown\\"}]},
\\"complaint\\":{\\"complainedRecipients\\":[{\\"emailAddress\\":\\"jo@example.org\\"}]},\\"delivery\\":{},\\"mail\\":{\\"messageId\\":\\"x-1\\"}}"}
-- If you wish to stop receiving notifications from this topic, visit example.org
"""  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("what", "kinds"), [("Bounce", [Report.FAILED]), ("Complaint", [Report.COMPLAINT]), ("Delivery", []), ("[]", [])]
)
def test_notifications_of_amazon_are_read(what, kinds):
    message = read(prose(sender="no-reply@sns.example", subject="AWS Notification Message", text=SNS % what), NOW)
    assert [(one.recipient, one.kind) for one in message.bounces] == [("jo@example.org", kind) for kind in kinds]
    assert not kinds or message.references == ("<x-1>",)
    assert all(one.permanent for one in message.bounces)


@pytest.mark.parametrize(
    "text", ["{", '{"notificationType": 1}', '{"notificationType":"Bounce","bounce":[]}', "{" * 9000]
)
def test_what_only_looks_like_a_notification_is_a_message(text):
    assert not read(prose(sender="jo@example.org", subject="Help", text=f'{text}"notificationType"'), NOW).bounces


def test_a_copy_that_came_back_names_who_was_not_reached():
    raw = report("X-Postfix-Queue-ID: 1")
    assert [(one.recipient, one.kind) for one in read(raw, NOW).bounces] == [("jo@example.org", Report.FAILED)]
