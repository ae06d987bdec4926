"""Raw messages and provider deliveries as tests send them."""

import base64
import hashlib
import hmac
import json
from email.message import EmailMessage

SIGNING_KEY = "a-signing-key-of-a-test"
SECRET = "provider:secret-of-a-test"


def raw_mail(text="It does not work.", **headers) -> bytes:
    message = EmailMessage()
    headers = {"From": "Jo Doe <jo@example.org>", "To": "support@example.com", "Subject": "Help", **headers}
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def mailgun(raw: bytes, token: str = "t" * 50, key: str = SIGNING_KEY) -> dict[str, str | list[bytes]]:
    """The form fields of Mailgun's raw MIME delivery, signed."""
    stamp = "1790000000"
    return {
        "token": token,
        "timestamp": stamp,
        "signature": hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest(),
        "recipient": "support@example.com",
        "sender": "jo@example.org",
        "body-mime": [raw],  # in a list, or the test client takes bytes for many values
    }


def postmark(text="It does not work.", **fields) -> str:
    """Postmark's parsed delivery."""
    return json.dumps(
        {
            "FromFull": {"Email": "jo@example.org", "Name": "Jo Doe", "MailboxHash": ""},
            "ToFull": [{"Email": "support@example.com", "Name": "", "MailboxHash": ""}],
            "Subject": "Help",
            "TextBody": text,
            "HtmlBody": "",
            "Headers": [{"Name": "Message-ID", "Value": "<one@example.org>"}],
            "Attachments": [],
            **fields,
        }
    )


def basic(secret: str = SECRET) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(secret.encode()).decode()}
