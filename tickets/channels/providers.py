"""The mail providers whose inbound webhooks we take. To add one: one entry here, and its secret in the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anymail.webhooks.base import AnymailCoreWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView
from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Provider:
    """`view` checks and parses; `secret_setting` must be there, or the door stays shut; `raw_field` holds raw MIME."""

    view: type[AnymailCoreWebhookView]
    secret_setting: str
    event_key: Callable[[HttpRequest], str]
    raw_field: str = ""

    @property
    def is_open(self) -> bool:
        """Fails closed: without its secret a provider's door takes nothing."""
        return bool(settings.ANYMAIL.get(self.secret_setting))


def _form_field(name: str) -> Callable[[HttpRequest], str]:
    def find(request: HttpRequest) -> str:
        return str(request.POST.get(name, ""))

    return find


def _no_key(request: HttpRequest) -> str:
    """For providers that name no event: the message itself is the key."""
    return ""


PROVIDERS: dict[str, Provider] = {
    # Mailgun's token is made for one delivery of one event; its retries repeat it.
    "mailgun": Provider(
        MailgunInboundWebhookView, "MAILGUN_WEBHOOK_SIGNING_KEY", _form_field("token"), raw_field="body-mime"
    ),
    "postmark": Provider(PostmarkInboundWebhookView, "WEBHOOK_SECRET", _no_key),
}


def view_of(provider: Provider) -> Any:
    """A fresh instance of anymail's view, set up from the settings."""
    return provider.view()
