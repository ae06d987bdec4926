"""Twilio's signature over the public address and the parameters: checked at every voice and text webhook."""

import os
import secrets
from collections.abc import Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from twilio.request_validator import RequestValidator

from tickets.channels import refusals
from tickets.roles import View, public


def auth_tokens() -> list[str]:
    """Tokens that may sign, the first one ours to sign with. A demo installation makes one up for itself."""
    if settings.TWILIO_AUTH_TOKENS:
        return list(settings.TWILIO_AUTH_TOKENS)
    return [_demo_token()] if settings.DEMO else []


def sign(path: str, params: Mapping[str, str]) -> str:
    """The signature that Twilio would send with `params` to `path` (with its query, if any) of our public address.

    As https://www.twilio.com/docs/usage/security describes it. LookupError without a token.
    """
    tokens = auth_tokens()
    if not tokens:
        raise LookupError("no auth token to sign with")
    return RequestValidator(tokens[0]).compute_signature(settings.PUBLIC_URL + path, dict(params))


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


def _demo_token() -> str:
    """One random token an installation, shared by its processes through a file that only they can read."""
    path = Path(settings.VAR) / "demo-token"
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _make(path, secrets.token_hex(16))


def _make(path: Path, token: str) -> str:
    """Written aside and linked into place, so that no process reads half of it and the first one wins."""
    aside = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    try:
        os.link(aside, path)
    except FileExistsError:
        return path.read_text()
    finally:
        aside.unlink()
    return token
