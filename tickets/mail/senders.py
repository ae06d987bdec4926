"""The mail providers that mail can leave by, and what each does with it. To add one: one entry here.

Whether a provider keeps our Message-ID decides by what its customers' replies name us: where it does not, by the id of
the provider, which is stored beside ours; the signed reply address and the mark in the text serve in either case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Merge:
    """How one call carries many mails, each with words and headers of its own (anymail's `merge_data`).

    `field` and `html_field` name a recipient's own text inside the common subject and text, or HTML; words that contain
    `reserved` could be taken for such a name, so that their mail goes alone. `most`: mails in a call.
    """

    field: str
    html_field: str
    reserved: str
    most: int = 300


@dataclass(frozen=True, slots=True)
class Sender:
    """`events`: anymail's view of its status webhook, and `secret` the setting that must be there to believe it.

    `asks`: it presents the secret only when asked by 401. `labels`: what we attach to a mail comes back in its events.
    `headers`: put on every mail.
    """

    keeps_message_id: bool
    events: str = ""
    secret: str = "WEBHOOK_SECRET"  # noqa: S105  a setting's name
    asks: bool = False
    labels: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    merge: Merge | None = None


# Who keeps a Message-ID was found in the providers' own documentation and in reports of their users; where neither says
# so, it counts as replaced. SendGrid gives one Message-ID to a whole call and lets nobody have a Reply-To of their own,
# Mandrill no headers, and the others no words: their mails go one to a call, over several connections.
SENDERS: dict[str, Sender] = {
    "amazon_ses": Sender(False, "amazon_ses.AmazonSESTrackingWebhookView", asks=True),
    "brevo": Sender(False, "brevo.BrevoTrackingWebhookView"),
    "mailersend": Sender(False, "mailersend.MailerSendTrackingWebhookView", "MAILERSEND_SIGNING_SECRET", labels=False),
    "mailgun": Sender(
        True,
        "mailgun.MailgunTrackingWebhookView",
        "MAILGUN_WEBHOOK_SIGNING_KEY",
        merge=Merge("%recipient.{}%", "%recipient.{}%", reserved="%recipient"),
    ),
    "mailjet": Sender(False, "mailjet.MailjetTrackingWebhookView"),
    "mailtrap": Sender(False, "mailtrap.MailtrapTrackingWebhookView", "MAILTRAP_TRACKING_SECRET"),
    "mandrill": Sender(True, "mandrill.MandrillCombinedWebhookView", "MANDRILL_WEBHOOK_KEY"),
    "postal": Sender(False, "postal.PostalTrackingWebhookView", "POSTAL_WEBHOOK_KEY", labels=False),
    "postmark": Sender(True, "postmark.PostmarkTrackingWebhookView", headers={"X-PM-KeepID": "true"}),
    "resend": Sender(False, "resend.ResendTrackingWebhookView", "RESEND_SIGNING_SECRET"),
    "sendgrid": Sender(True, "sendgrid.SendGridTrackingWebhookView"),
    "sparkpost": Sender(
        False, "sparkpost.SparkPostTrackingWebhookView", merge=Merge("{{{{{}}}}}", "{{{{{{{}}}}}}}", reserved="{{")
    ),
}

# Mail by SMTP: servers keep what we wrote.
SMTP = Sender(True, labels=False)


def current() -> Sender:
    """What mail leaves by now."""
    return SENDERS.get(settings.MAIL_PROVIDER, SMTP)


def names_of(references: Sequence[str]) -> list[str]:
    """What a provider may have called the mails that have these Message-IDs: with brackets or without, and Amazon's
    without the domain."""
    bare = [value.strip("<>") for value in references]
    amazons = [
        local for local, _, domain in (value.rpartition("@") for value in bare) if domain.endswith("amazonses.com")
    ]
    return [*references, *bare, *amazons]


def view_of(name: str, address: str) -> Any:
    """A fresh instance of anymail's view of a provider's status webhook, which the provider calls at `address`."""
    module, _, view = SENDERS[name].events.rpartition(".")
    # Mandrill signs the address that it calls: the public one, whatever proxies make of it.
    signed = {"webhook_url": address} if name == "mandrill" else {}
    return getattr(import_module(f"anymail.webhooks.{module}"), view)(**signed)
