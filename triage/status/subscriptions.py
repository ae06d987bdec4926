"""Asking for status updates by mail: who asks confirms by a second step, and leaves by one. No database here.

Addresses travel as signed tokens. A page answers the same whether it knows the address or not; links do nothing when
they are followed, since mail scanners follow them, but show a button.
"""

import secrets

from django import forms
from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tickets import journal
from tickets.models import Channel, CountsAs
from tickets.roles import public
from tickets.wording import reader_language, spoken, words

SALT = "subscription"


class AddressForm(forms.Form):
    """`website` is a trap: people do not see it, programs fill it in."""

    email = forms.EmailField(max_length=254)
    website = forms.CharField(required=False)

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError("filled")
        return ""


def token_of(email: str) -> str:
    """What stands for an address in links."""
    return signing.dumps(email.lower(), salt=SALT)


def email_of(token: str) -> str:
    """The address of a token. Http404 when we did not make it."""
    try:
        return signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise Http404 from error


def confirm_url(email: str) -> str:
    return f"{settings.PUBLIC_URL}/status/subscription/{token_of(email)}/"


def leave_url(email: str) -> str:
    return f"{confirm_url(email)}leave/"


@csrf_exempt  # Nobody is signed in here and no cookie counts: a forged post does no more than its sender could.
@public
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Takes an address; a mail asks it whether it was meant."""
    if request.method != "POST":
        return _page(request, "ask")
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _page(request, "ask", 422, wrong=True, email=request.POST.get("email", ""))
    email = form.cleaned_data["email"]
    return _kept(request, email, "ask", "asked", language=reader_language(request))


@csrf_exempt  # As above: the token says who.
@public
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Shows the button by which the owner of an address says that it was meant."""
    email = email_of(token)
    if request.method != "POST":
        return _page(request, "confirm", email=email)
    return _kept(request, email, "confirm", "confirmed", language=reader_language(request))


@csrf_exempt  # RFC 8058: mail programs post here by themselves, without a page before.
@public
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Ends a subscription, by the button or by a mail program's own (RFC 8058)."""
    email = email_of(token)
    if request.method != "POST":
        return _page(request, "leave", email=email)
    return _kept(request, email, "leave", "left")


def _kept(request: HttpRequest, email: str, wish: str, done: str, *, language: str = "") -> HttpResponse:
    """Says that it is done only once the journal has it."""
    incoming = journal.Incoming(
        channel=Channel.SUBSCRIPTION,
        key=secrets.token_urlsafe(16),
        sender=email.lower(),
        happened_at=timezone.now(),
        payload={"wish": wish, "email": email.lower(), "language": language},
        counts_as=CountsAs.STEP,
    )
    try:
        journal.accept(incoming)
    except journal.NotKept:
        return _page(request, wish, 503, failed=True, email=email)
    return _page(request, done, email=email)


def _page(request: HttpRequest, step: str, status: int = 200, **more: object) -> HttpResponse:
    language = reader_language(request)
    say = words("status", language)
    texts = {"title": say[f"{step}_title"], "text": say[f"{step}_text"], "button": say.get(f"{step}_button", "")}
    with translation.override(language):
        context = {"say": say, "step": step, "language": language, **texts, **more}
        response = render(request, "status/subscription.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return spoken(response, language)
