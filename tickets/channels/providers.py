"""The mail providers whose inbound webhooks we take. To add one: one entry here, and its secret in the settings."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"


class Malformed(ValueError):
    """The request is no delivery of this provider; says why in one line."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a request, which may bring several: the key of its retries, and a body that anymail can parse."""

    key: str
    body: bytes
    content_type: str


Deliveries = Callable[[HttpRequest, bytes], list[Delivery]]
Raw = Callable[[HttpRequest], bytes]


@dataclass(frozen=True, slots=True)
class Provider:
    """`view` (anymail's) checks and parses; `secret` must be set, or the door stays shut; `raw` finds raw MIME.

    `asks` for the secret by 401 first, as a browser is asked.
    """

    view: str
    secret: str
    deliveries: Deliveries
    raw: Raw | None = None
    asks: bool = False

    @property
    def is_open(self) -> bool:
        """Fails closed: without its secret a provider's door takes nothing."""
        return bool(settings.ANYMAIL.get(self.secret))


def view_of(name: str) -> Any:
    """A fresh instance of anymail's view, set up from the settings."""
    module, _, view = PROVIDERS[name].view.rpartition(".")
    # Mandrill signs the address that it calls: the public one, whatever proxies make of it.
    signed = {"webhook_url": settings.PUBLIC_URL + reverse("mail_inbound", args=[name])} if name == "mandrill" else {}
    return getattr(import_module(f"anymail.webhooks.{module}"), view)(**signed)


# ── what a request brings ────────────────────────────────────────────────────────────────────────────────────────────


def _whole(body: bytes, request: HttpRequest, key: str = "") -> list[Delivery]:
    return [Delivery(key or _digest(body), body, request.headers.get("Content-Type", "")[:500])]


def _form(key: str, *needed: str) -> Deliveries:
    """A form with the message in its fields, of which one of `needed` must be there; `key` names the event, if any."""

    def deliveries(request: HttpRequest, body: bytes) -> list[Delivery]:
        if not any(name in request.POST for name in needed):
            raise Malformed(f"It has none of the fields {', '.join(needed)}.")
        return _whole(body, request, str(request.POST.get(key, "")) if key else "")

    return deliveries


def _json_object(needed: str, key: Callable[[dict[str, Any]], object] = lambda event: "") -> Deliveries:
    """A JSON object that is one message; `needed` is a field without which it is none."""

    def deliveries(request: HttpRequest, body: bytes) -> list[Delivery]:
        event = _parsed(body)
        if not isinstance(event, dict) or needed not in event:
            raise Malformed(f"It is no JSON object with a field {needed}.")
        return _whole(body, request, str(key(event) or ""))

    return deliveries


def _json_list(
    within: str = "",
    key: Callable[[dict[str, Any]], object] = lambda event: "",
    real: Callable[[dict[str, Any]], object] = lambda event: True,
) -> Deliveries:
    """JSON with a list of messages, the list itself or one `within` an object: each is kept for itself.

    What is not `real`, such as the example that a provider sends when the door is set up, is taken and left.
    """

    def deliveries(request: HttpRequest, body: bytes) -> list[Delivery]:
        parsed = _parsed(body)
        events = parsed.get(within) if within and isinstance(parsed, dict) else parsed
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise Malformed(f"It has no list of events{f' named {within}' if within else ''}.")
        events = [event for event in events if real(event)]
        bodies = [json.dumps({within: [event]} if within else [event]).encode() for event in events]
        keys = [str(key(event) or "") for event in events]
        return [Delivery(k or _digest(b), b, JSON_TYPE) for k, b in zip(keys, bodies, strict=True)]

    return deliveries


def _amazon_ses(request: HttpRequest, body: bytes) -> list[Delivery]:
    """A notification of SNS; a subscription to be confirmed is (anymail asks Amazon), and brings no message."""
    notice = _parsed(body)
    if not isinstance(notice, dict) or "Type" not in notice:
        raise Malformed("It is no message of Amazon SNS.")
    if notice["Type"] != "Notification":
        view_of("amazon_ses").parse_events(request)
        return []
    inner = _parsed(str(notice.get("Message", "")).encode())
    if not isinstance(inner, dict) or inner.get("notificationType") != "Received":
        raise Malformed("It is no notification of received mail.")
    return _whole(body, request, str(inner.get("mail", {}).get("messageId", "")))


def _mandrill(request: HttpRequest, body: bytes) -> list[Delivery]:
    events = _parsed(str(request.POST.get("mandrill_events", "")).encode())
    if not isinstance(events, list):
        raise Malformed("It has no list of events in mandrill_events.")
    inbound = [event for event in events if isinstance(event, dict) and event.get("event") == "inbound"]
    bodies = [urlencode({"mandrill_events": json.dumps([event])}).encode() for event in inbound]
    return [Delivery(_digest(body), body, FORM_TYPE) for body in bodies]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"It is no JSON: {str(error)[:100]}.") from error


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# ── the raw message in it ────────────────────────────────────────────────────────────────────────────────────────────


def _raw_field(name: str) -> Raw:
    """A form field's bytes as they were sent: mail need not be UTF-8, and Latin-1 maps every byte to itself."""

    def raw(request: HttpRequest) -> bytes:
        request.encoding = "latin-1"
        return str(request.POST.get(name, "")).encode("latin-1", "replace")

    return raw


def _raw_json(*path: str | int, flag: str = "") -> Raw:
    """A field of a JSON body, in base64 where the field `flag` beside it says so."""

    def raw(request: HttpRequest) -> bytes:
        inside = json.loads(request.body)
        for step in path[:-1]:
            inside = inside[step]
        text = str(inside.get(path[-1]) or "")
        if flag and inside.get(flag):
            return base64.b64decode(text)
        return text.encode("utf-8", "surrogateescape")

    return raw


def _raw_ses(request: HttpRequest) -> bytes:
    inner = json.loads(json.loads(request.body)["Message"])
    text = str(inner.get("content") or "")
    if inner["receipt"]["action"].get("encoding") == "BASE64":
        return base64.b64decode(text)
    return text.encode("utf-8", "surrogateescape")


def _raw_mandrill(request: HttpRequest) -> bytes:
    return str(json.loads(request.POST["mandrill_events"])[0]["msg"].get("raw_msg", "")).encode()


def raw_of(provider: Provider, request: HttpRequest) -> bytes:
    """The message as its sender's server gave it to the provider; empty where the provider has parsed it."""
    try:
        return provider.raw(request) if provider.raw else b""
    except (ValueError, LookupError, TypeError, AttributeError, binascii.Error):
        return b""


PROVIDERS: dict[str, Provider] = {
    "amazon_ses": Provider(
        "amazon_ses.AmazonSESInboundWebhookView", "WEBHOOK_SECRET", _amazon_ses, _raw_ses, asks=True
    ),
    "brevo": Provider(
        "brevo.BrevoInboundWebhookView", "WEBHOOK_SECRET", _json_list("items", lambda e: (e.get("Uuid") or [""])[0])
    ),
    "mailersend": Provider(
        "mailersend.MailerSendInboundWebhookView",
        "MAILERSEND_INBOUND_SECRET",
        _json_object("data", lambda e: e["data"].get("id")),
        _raw_json("data", "raw"),
    ),
    # Mailgun's token is made for one delivery of one event; its retries repeat it.
    "mailgun": Provider(
        "mailgun.MailgunInboundWebhookView",
        "MAILGUN_WEBHOOK_SIGNING_KEY",
        _form("token", "body-mime", "message-headers"),
        _raw_field("body-mime"),
    ),
    "mailjet": Provider("mailjet.MailjetInboundWebhookView", "WEBHOOK_SECRET", _json_object("Headers")),
    "mailtrap": Provider(
        "mailtrap.MailtrapInboundWebhookView",
        "MAILTRAP_INBOUND_SECRET",
        _json_list(
            "events",
            lambda e: f"{e.get('inbox_id')}/{e['message_id']}" if e.get("message_id") else "",
            real=lambda e: e.get("inbox_id") not in (None, 1),
        ),
    ),
    "mandrill": Provider("mandrill.MandrillCombinedWebhookView", "MANDRILL_WEBHOOK_KEY", _mandrill, _raw_mandrill),
    "postal": Provider(
        "postal.PostalInboundWebhookView",
        "POSTAL_WEBHOOK_KEY",
        _json_object("message", lambda e: e.get("id")),
        _raw_json("message", flag="base64"),
    ),
    "postmark": Provider(
        "postmark.PostmarkInboundWebhookView",
        "WEBHOOK_SECRET",
        _json_object("FromFull", lambda e: e.get("MessageID")),
        _raw_json("RawEmail"),
    ),
    "resend": Provider(
        "resend.ResendInboundWebhookView",
        "RESEND_INBOUND_SECRET",
        _json_object("data", lambda e: e["data"].get("email_id")),
    ),
    "sendgrid": Provider(
        "sendgrid.SendGridInboundWebhookView", "WEBHOOK_SECRET", _form("", "email", "headers"), _raw_field("email")
    ),
    "sparkpost": Provider(
        "sparkpost.SparkPostInboundWebhookView",
        "WEBHOOK_SECRET",
        _json_list(real=lambda e: e.get("msys")),
        _raw_json(0, "msys", "relay_message", "content", "email_rfc822", flag="email_rfc822_is_base64"),
    ),
}
