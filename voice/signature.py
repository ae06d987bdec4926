"""Twilio's signature over the public address and the parameters: checked at every voice and text webhook."""

from collections.abc import Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from twilio.request_validator import RequestValidator

from tickets.channels import refusals
from tickets.roles import View, public


def auth_tokens() -> list[str]:
    """Tokens that may sign, the first one ours to sign with."""
    return list(settings.TWILIO_AUTH_TOKENS)


def sign(path: str, params: Mapping[str, str]) -> str:
    """The signature that Twilio would send with `params` to `path` (with its query, if any) of our public address."""
    return sign_url(settings.PUBLIC_URL + path, params)


def sign_url(url: str, params: Mapping[str, str]) -> str:
    """The signature that Twilio would send with `params` to an address.

    As https://www.twilio.com/docs/usage/security describes it. LookupError without a token.
    """
    tokens = auth_tokens()
    if not tokens:
        raise LookupError("no auth token to sign with")
    return RequestValidator(tokens[0]).compute_signature(url, dict(params))


def is_signed(request: HttpRequest) -> bool:
    """Whether one of the tokens has signed exactly this request."""
    given = request.headers.get("X-Twilio-Signature", "")
    url = settings.PUBLIC_URL + request.get_full_path()
    params = {name: values if len(values) > 1 else values[0] for name, values in request.POST.lists()}
    return any(RequestValidator(token).validate(url, params, given) for token in auth_tokens())


def signed(view: View) -> View:
    """Decorates a webhook: 403 and nothing stored unless the request is signed; without a token nothing is."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not is_signed(request):
            refusals.refused("voice")
            return HttpResponse("The request is not signed as it should be.\n", status=403, content_type="text/plain")
        return view(request, *args, **kwargs)

    webhook = public(checked)
    webhook.signed = True  # type: ignore[attr-defined]
    return webhook
