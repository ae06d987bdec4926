"""Whether Twilio's webhooks would reach us: we sign a request as Twilio does and send it to the public address."""

import secrets

import requests
from django.conf import settings
from django.urls import reverse

from tickets.channels.front_door import PATIENCE, Unanswered
from voice import signature


def knock() -> None:
    """Asks ourselves through the public address, signed. Unanswered; LookupError without a token to sign with."""
    path, params = reverse("voice_self_test", urlconf="voice.front_urls"), {"echo": secrets.token_hex(8)}
    signed = {"X-Twilio-Signature": signature.sign(path, params)}
    try:
        got = requests.post(settings.PUBLIC_URL + path, params, headers=signed, timeout=PATIENCE, allow_redirects=False)
    except requests.RequestException as error:
        raise Unanswered(f"{settings.PUBLIC_URL} does not answer: {type(error).__name__}") from error
    if got.status_code != 200 or got.text[:64] != params["echo"]:
        raise Unanswered(f"A signed request to {settings.PUBLIC_URL} is refused ({got.status_code})")
