"""Whether the public address leads to our front door: we knock with a signature and know the answer of our own."""

import hmac
import secrets

import requests
from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from tickets.roles import public

# Seconds to wait for the answer, and for which a question is good.
PATIENCE, GOOD = 5, 60
ASKED, ANSWERED = "heartbeat", "heartbeat.answer"


class Unanswered(Exception):
    """Nobody answered, or somebody else did; says what."""


@public
@require_safe
def answer(request: HttpRequest, asked: str) -> HttpResponse:
    """Answers a question that was signed with our key, with what only who has the key can say."""
    try:
        nonce = signing.loads(asked, salt=ASKED, max_age=GOOD)
    except signing.BadSignature as error:
        raise Http404 from error
    response = HttpResponse(_answer_to(str(nonce)), content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def knock() -> None:
    """Asks ourselves through the public address. Unanswered."""
    nonce = secrets.token_urlsafe(12)
    url = settings.PUBLIC_URL + reverse(
        "heartbeat", args=[signing.dumps(nonce, salt=ASKED)], urlconf="tickets.front_urls"
    )
    try:
        got = requests.get(url, timeout=PATIENCE, allow_redirects=False)
    except requests.RequestException as error:
        raise Unanswered(f"{settings.PUBLIC_URL} does not answer: {type(error).__name__}") from error
    if got.status_code != 200 or not hmac.compare_digest(got.text[:200].encode(), _answer_to(nonce).encode()):
        raise Unanswered(f"{settings.PUBLIC_URL} is answered by something else ({got.status_code})")


def _answer_to(nonce: str) -> str:
    return signing.Signer(salt=ANSWERED).signature(nonce)
