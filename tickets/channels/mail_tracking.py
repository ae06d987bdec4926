"""What a mail provider tells about mail that left: delivered, bounced, complained, rejected."""

from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType
from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tickets import changes
from tickets.channels import refusals
from tickets.mail.senders import SENDERS, view_of
from tickets.models import Identity, Outgoing, WorkState
from tickets.roles import public

# These say that nothing we send there will ever be welcome.
FINAL = {EventType.COMPLAINED: "complained about mail", EventType.UNSUBSCRIBED: "unsubscribed at the provider"}


@csrf_exempt  # The secret in the Authorization header stands for the sender; there is no session.
@public
@require_http_methods(["POST", "HEAD"])
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Events of the provider that mail leaves by; 403 without the secret, 400 when malformed, 5xx to have it again."""
    if provider != settings.MAIL_PROVIDER or provider not in SENDERS:
        raise Http404
    if request.method == "HEAD":
        return HttpResponse(status=200)
    if not settings.ANYMAIL.get(SENDERS[provider].secret):
        return _plain("This door has no secret, so that it takes nothing.", 403)
    if SENDERS[provider].asks and "Authorization" not in request.headers:
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="mail"'})
    try:
        view = view_of(provider, settings.PUBLIC_URL + reverse("mail_tracking", args=[provider]))
        view.run_validators(request)
    except (AnymailWebhookValidationFailure, AnymailConfigurationError, ValueError):
        refusals.refused(f"mail/{provider}")
        return _plain("wrong or missing secret or signature", 403)
    try:
        events = view.parse_events(request)
    except (AnymailError, ValueError, LookupError, TypeError, AttributeError):
        return _plain("not an event of this provider", 400)
    for event in events:
        if isinstance(event, AnymailTrackingEvent):
            note(event)
    return HttpResponse(status=200)


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
    """By our label on it, else by an id, ours or the provider's, which may have called all mails of a call the same."""
    label = str((event.metadata or {}).get("row", ""))
    if label.isdecimal() and (found := Outgoing.objects.filter(pk=int(label)).first()):
        return found
    message_id = event.message_id or ""
    if not message_id:
        return None
    bare = message_id.strip("<>")
    rows = Outgoing.objects.filter(Q(provider_id__in=[message_id, bare, f"<{bare}>"]) | Q(message_id=f"<{bare}>"))
    if event.recipient:
        rows = rows.filter(to__iexact=event.recipient)
    return rows.first()


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
