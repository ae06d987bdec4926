"""What a mail provider tells about mail that left: delivered, bounced, complained, rejected."""

import base64
import binascii
import hmac
from importlib import import_module
from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tickets import changes
from tickets.models import Identity, Outgoing, WorkState
from tickets.roles import public

# Anymail's view for each provider's status webhook.
VIEWS = {
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "mailjet": "anymail.webhooks.mailjet.MailjetTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
}
# These say that nothing we send there will ever be welcome.
FINAL = {EventType.COMPLAINED: "complained about mail", EventType.UNSUBSCRIBED: "unsubscribed at the provider"}


@csrf_exempt  # The secret in the Authorization header stands for the sender; there is no session.
@public
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Events of the provider that mail leaves by; 403 without the secret, 400 when malformed, 5xx to have it again."""
    if provider != settings.MAIL_PROVIDER or provider not in VIEWS:
        raise Http404
    if not has_secret(request.headers.get("Authorization", "")):
        return HttpResponse("wrong or missing secret\n", status=403, content_type="text/plain")
    module, _, name = VIEWS[provider].rpartition(".")
    try:
        view = getattr(import_module(module), name)()
        view.run_validators(request)
        events = view.parse_events(request)
    except AnymailWebhookValidationFailure:
        return HttpResponse("wrong or missing signature\n", status=403, content_type="text/plain")
    except (ValueError, LookupError, TypeError, AttributeError):
        return HttpResponse("not an event of this provider\n", status=400, content_type="text/plain")
    for event in events:
        note(event)
    return HttpResponse(status=200)


def has_secret(authorization: str) -> bool:
    """HTTP basic with one of MAIL_WEBHOOK_SECRETS; with none set nobody has it."""
    scheme, _, value = authorization.partition(" ")
    try:
        given = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    right = [hmac.compare_digest(given, secret.encode()) for secret in settings.MAIL_WEBHOOK_SECRETS]
    return scheme.lower() == "basic" and any(right)


def note(event: AnymailTrackingEvent) -> None:
    """Marks the row that an event is about; also tells of an uncertain one that it did leave. Idempotent."""
    found = _row_of(event)
    if found is None:
        return
    rows, at = Outgoing.objects.filter(pk=found.pk), event.timestamp or timezone.now()
    left: dict[str, Any] = {"state": WorkState.SENT, "done_at": at}
    if event.event_type in (EventType.SENT, EventType.DELIVERED, EventType.BOUNCED, EventType.COMPLAINED):
        rows.filter(state=WorkState.UNCERTAIN).update(**left)
    if event.event_type == EventType.DELIVERED:
        rows.filter(delivered_at__isnull=True).update(delivered_at=at)
    if event.event_type in (EventType.BOUNCED, EventType.REJECTED):
        reason = f"{event.event_type}: {event.description or event.reject_reason or ''}".strip()
        rows.update(state=WorkState.FAILED, bounced_at=at, error=reason[:1000])
    if event.event_type in FINAL:
        same = Identity.objects.filter(kind=Identity.Kind.EMAIL, value=found.to.lower(), suppressed_at__isnull=True)
        same.update(suppressed_at=at, suppressed_why=FINAL[event.event_type])
    changes.bump("outbox")


def _row_of(event: AnymailTrackingEvent) -> Outgoing | None:
    message_id = event.message_id or ""
    if not message_id:
        return None
    bare = message_id.strip("<>")
    for field, value in (("provider_id", message_id), ("message_id", f"<{bare}>")):
        found = Outgoing.objects.filter(**{field: value}).first()
        if found is not None:
            return found
    return None
