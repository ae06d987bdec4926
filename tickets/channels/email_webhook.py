"""Mail that a provider posts: checked, journaled raw, answered; parsed by anymail only when it is understood."""

import hashlib
import io
import logging
from dataclasses import replace
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tickets import journal
from tickets.channels import refusals
from tickets.channels.providers import PROVIDERS, Provider, view_of
from tickets.mail.reading import read
from tickets.message import InboundMessage
from tickets.models import Arrival, Channel, CountsAs
from tickets.roles import public

log = logging.getLogger(__name__)


@csrf_exempt  # A provider signs its requests; no cookie counts here.
@public
@require_http_methods(["POST", "HEAD"])
def inbound(request: HttpRequest, provider: str) -> HttpResponse:
    """Takes one delivery of a provider: 403 unless it proves who it is, 2xx only when the message is kept."""
    door = PROVIDERS.get(provider)
    if request.method == "HEAD":
        return HttpResponse(status=200 if door else 404)
    if door is None:
        return _plain("No such mail provider.", 404)
    try:
        body = request.body  # before anything reads the form, which would use it up
        if not _is_genuine(door, request):
            refusals.refused(f"mail/{provider}")
            return _plain("The request is not signed as it should be.", 403)
        incoming = _incoming(provider, door, request, body)
    except RequestDataTooBig:
        return _plain("The message is larger than 50 MB.", 413)
    except (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent, UnicodeError, OSError) as error:
        return _plain(f"The request cannot be read: {type(error).__name__}.", 400)
    if incoming is None:
        return _plain("The request has no body.", 400)
    try:
        journal.accept(incoming)
    except journal.NotKept:
        return _plain("The message could not be kept. Please send it again.", 503)
    return HttpResponse(status=200)


def read_arrival(arrival: Arrival) -> InboundMessage:
    """Lets anymail parse what was journaled, and reads the message in it."""
    door = PROVIDERS[arrival.payload["provider"]]
    body, content_type = journal.body_of(arrival), arrival.payload["content_type"]
    message = view_of(door).parse_events(_as_request(body, content_type))[0].message
    raw = _raw_field(body, content_type, door.raw_field)
    recipients = [message.envelope_recipient] if message.envelope_recipient else []
    found = read(
        raw or message.as_bytes(),
        arrival.happened_at,
        sender=message.envelope_sender or "",
        recipients=recipients,
    )
    if not message.spam_detected:
        return found
    return replace(found, counts_as=CountsAs.SPAM, payload={**found.payload, "spam": True})


def _is_genuine(door: Provider, request: HttpRequest) -> bool:
    if not door.is_open:
        return False
    try:
        view_of(door).run_validators(request)
    except (AnymailWebhookValidationFailure, AnymailConfigurationError, UnicodeError):
        return False
    return True


def _incoming(provider: str, door: Provider, request: HttpRequest, body: bytes) -> journal.Incoming | None:
    if not body:
        return None
    key = door.event_key(request) or hashlib.sha256(body).hexdigest()
    return journal.Incoming(
        channel=Channel.MAIL_WEBHOOK,
        key=journal.key_of(provider, key),
        sender="",
        happened_at=timezone.now(),
        payload={"provider": provider, "content_type": request.headers.get("Content-Type", "")[:500]},
        body=body,
        line=settings.SUPPORT_ADDRESS,
    )


def _raw_field(body: bytes, content_type: str, field: str) -> bytes:
    """A form field's bytes as they were sent: mail need not be UTF-8, and Latin-1 maps every byte to itself."""
    request = _as_request(body, content_type)
    request.encoding = "latin-1"
    return str(request.POST.get(field, "")).encode("latin-1", "replace") if field else b""


def _as_request(body: bytes, content_type: str) -> WSGIRequest:
    """The provider's request again, as far as anymail looks at it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    return WSGIRequest(environ)


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
