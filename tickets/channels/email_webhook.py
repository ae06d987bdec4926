"""Mail that a provider posts: checked, journaled raw, answered; parsed by anymail only when it is understood."""

import io
import logging
from dataclasses import replace
from typing import Any

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailWebhookValidationFailure,
)
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
from tickets.channels.providers import PROVIDERS, Delivery, Malformed, raw_of, view_of
from tickets.mail.reading import read
from tickets.message import InboundMessage
from tickets.models import Arrival, Channel, CountsAs
from tickets.roles import public

log = logging.getLogger(__name__)

UNREADABLE = (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent, ValueError, LookupError, TypeError, OSError)


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
        if not _is_genuine(provider, request):
            if door.asks and "Authorization" not in request.headers:
                return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="mail"'})
            refusals.refused(f"mail/{provider}")
            return _plain("The request is not signed as it should be.", 403)
        deliveries = door.deliveries(request, body)
    except RequestDataTooBig:
        return _plain("The message is larger than 50 MB.", 413)
    except (Malformed, AnymailError) as error:
        return _plain(" ".join(str(error).split())[:300], 400)
    except UNREADABLE as error:
        return _plain(f"The request cannot be read: {type(error).__name__}.", 400)
    try:
        for delivery in deliveries:
            journal.accept(_incoming(provider, delivery))
    except journal.NotKept:
        return _plain("The message could not be kept. Please send it again.", 503)
    return HttpResponse(status=200)


def read_arrival(arrival: Arrival) -> InboundMessage:
    """Lets anymail parse what was journaled, and reads the message in it, the sender's own bytes where it has them.

    Some providers announce a message that anymail then fetches; while that fails the arrival waits.
    """
    provider = arrival.payload["provider"]
    body, content_type = journal.body_of(arrival), arrival.payload["content_type"]
    raw = raw_of(PROVIDERS[provider], _as_request(body, content_type))
    try:
        message = view_of(provider).parse_events(_as_request(body, content_type))[0].message
    except AnymailAPIError as error:
        raise OSError(f"{provider} does not hand the message over: {error}") from error
    except (ValueError, LookupError, TypeError):
        # Anymail decodes what it is given as UTF-8, which mail need not be.
        if not raw:
            raise
        return read(raw, arrival.happened_at)
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


def _is_genuine(provider: str, request: HttpRequest) -> bool:
    if not PROVIDERS[provider].is_open:
        return False
    try:
        view_of(provider).run_validators(request)
    except (AnymailWebhookValidationFailure, AnymailConfigurationError, ValueError):
        return False
    return True


def _incoming(provider: str, delivery: Delivery) -> journal.Incoming:
    return journal.Incoming(
        channel=Channel.MAIL_WEBHOOK,
        key=journal.key_of(provider, delivery.key),
        sender="",
        happened_at=timezone.now(),
        payload={"provider": provider, "content_type": delivery.content_type},
        body=delivery.body,
        line=settings.SUPPORT_ADDRESS,
    )


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
