"""The public form at /help/: answers without database or session, and confirms only what is kept."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from tickets import blobs, journal, notices
from tickets.models import Channel, Notice
from tickets.roles import public
from tickets.wording import LANGUAGES, reader_language, spoken, words

SALT = "help"
# Seconds that a form may lie open in a browser before it is sent.
NONCE_AGE = 24 * 3600
# At most so many files, and bytes in all.
FILES, FILE_BYTES = 5, 10 * 1024 * 1024


class HelpForm(forms.Form):
    """What somebody tells us. `website` is a trap: people do not see it, programs fill it in.

    `say` has each field's words by the field's name: label, `_help`, and `_<code>` of mistakes.
    """

    name = forms.CharField(max_length=200, required=False)
    email = forms.EmailField(max_length=254)
    subject = forms.CharField(max_length=300)
    message = forms.CharField(max_length=50_000, widget=forms.Textarea(attrs={"rows": 8}))
    language = forms.ChoiceField(choices=list(LANGUAGES.items()))
    website = forms.CharField(required=False)

    def __init__(self, *args: Any, say: dict[str, str], files: Sequence[UploadedFile] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.say, self.attached = say, files
        for name, field in self.fields.items():
            field.label, field.help_text = say[name], say.get(f"{name}_help", "")
            start = f"{name}_"
            field.error_messages |= {key.removeprefix(start): say[key] for key in say if key.startswith(start)}
        complete = {"name": "name", "email": "email", "website": "off"}
        for name, token in complete.items():
            self.fields[name].widget.attrs["autocomplete"] = token
        self.fields["website"].widget.attrs["tabindex"] = "-1"

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError(self.say["website_filled"])
        return ""

    def clean(self) -> dict[str, Any]:
        if len(self.attached) > FILES:
            self.add_error(None, self.say["files_many"])
        if sum(file.size or 0 for file in self.attached) > FILE_BYTES:
            self.add_error(None, self.say["files_large"])
        return self.cleaned_data


@csrf_exempt  # Nobody is signed in here and no cookie counts: a forged post does no more than its sender could.
@public
@require_http_methods(["GET", "HEAD", "POST"])
def help_form(request: HttpRequest) -> HttpResponse:
    """The form, and what is sent with it."""
    language = reader_language(request)
    # Mistakes that we have no words for are named in Django's.
    with translation.override(language):
        return spoken(_answer(request, language), language)


def _answer(request: HttpRequest, language: str) -> HttpResponse:
    say = _words(language)
    if request.method != "POST":
        return _page(request, HelpForm(say=say, initial={"language": language}))
    form = HelpForm(request.POST, say=say, files=request.FILES.getlist("files"))
    nonce = _nonce_of(request.POST.get("nonce", ""))
    if nonce is None:
        form.add_error(None, say["too_old"])
    if not form.is_valid() or nonce is None:
        return _page(request, form, status=422)
    try:
        incoming = _incoming(nonce, form.cleaned_data, form.attached)
        journal.accept(incoming)
    except (journal.NotKept, OSError):
        return _page(request, form, status=503, not_kept=True)
    return redirect("help_done", reference=signed(reference_of(incoming.key)))


@public
@require_safe
def help_done(request: HttpRequest, reference: str) -> HttpResponse:
    """Says that we have it. Only a reference that we gave out is confirmed."""
    plain = reference.partition(".")[0]
    if not hmac.compare_digest(reference.encode(), signed(plain).encode()):
        raise Http404
    language = reader_language(request)
    context = {"reference": plain.upper(), "notice": _notice(language), "say": _words(language), "language": language}
    return spoken(render(request, "help/done.html", context), language)


def reference_of(key: str) -> str:
    """What the sender may quote: derived from the arrival's key, so that it is known before the database is asked."""
    code = base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()
    return f"{code[:4]}-{code[4:8]}"


def signed(reference: str) -> str:
    """The reference with a signature, as the address of its confirmation bears it."""
    return f"{reference}.{signing.Signer(salt=SALT).signature(reference)[:16]}"


def _incoming(nonce: str, said: dict[str, Any], files: Sequence[UploadedFile]) -> journal.Incoming:
    payload = {name: said[name] for name in ("name", "email", "subject", "message", "language")}
    payload["attachments"] = [_kept(file) for file in files]
    content = hashlib.sha256(repr(sorted(payload.items())).encode("utf-8", "replace")).hexdigest()
    key = journal.key_of(nonce, content)
    return journal.Incoming(
        channel=Channel.WEB_FORM,
        key=key,
        sender=said["email"].lower(),
        happened_at=timezone.now(),
        payload={**payload, "reference": reference_of(key)},
    )


def _kept(file: UploadedFile) -> dict[str, Any]:
    content = file.read()
    kind = (file.content_type or "application/octet-stream")[:120]
    return {"name": (file.name or "file")[:255], "content_type": kind, "blob": blobs.put(content), "size": len(content)}


def _nonce_of(value: str) -> str | None:
    try:
        return signing.loads(value, salt=SALT, max_age=NONCE_AGE)
    except signing.BadSignature:
        return None


def _page(request: HttpRequest, form: HelpForm, status: int = 200, *, not_kept: bool = False) -> HttpResponse:
    sent = request.POST.get("nonce", "") if request.method == "POST" else ""
    # The same nonce again while it is good: what is corrected or sent twice stays one.
    nonce = sent if _nonce_of(sent) else signing.dumps(secrets.token_urlsafe(12), salt=SALT)
    language = reader_language(request)
    context = {
        "form": form,
        "say": form.say,
        "language": language,
        "nonce": nonce,
        "notice": _notice(language),
        "not_kept": not_kept,
        "address": settings.SUPPORT_ADDRESS,
        "had_files": bool(form.attached),
    }
    response = render(request, "help/form.html", context, status=status)
    response["Cache-Control"] = "no-store"
    if status == 503:
        response["Retry-After"] = "30"
    return response


def _words(language: str) -> dict[str, str]:
    return words("help", language, files=FILES, megabytes=FILE_BYTES // 1024 // 1024)


def _notice(language: str) -> notices.Shown | None:
    return notices.current(Notice.Target.WEB_FORM, language)
