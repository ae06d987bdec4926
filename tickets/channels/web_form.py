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
from django.utils import timezone
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from tickets import blobs, journal, notices
from tickets.models import Channel, Notice
from tickets.roles import public

SALT = "help"
# Seconds that a form may lie open in a browser before it is sent.
NONCE_AGE = 24 * 3600
# At most so many files, and bytes in all.
FILES, FILE_BYTES = 5, 10 * 1024 * 1024
# Languages that we answer in.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]


class HelpForm(forms.Form):
    """What somebody tells us. `website` is a trap: people do not see it, programs fill it in."""

    name = forms.CharField(label="Your name", max_length=200, required=False)
    email = forms.EmailField(
        label="Email address", max_length=254, help_text="We answer to this address.",
        error_messages={"required": "Please give an address, or we cannot answer you.",
                        "invalid": "This does not look like an email address."},
    )  # fmt: skip
    subject = forms.CharField(
        label="What is it about?",
        max_length=300,
        error_messages={"required": "Please say in a few words what it is about."},
    )
    message = forms.CharField(
        label="Your message", max_length=50_000, widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Please tell us what happened.",
                        "max_length": "This is too long for the form; please attach it as a file."},
    )  # fmt: skip
    language = forms.ChoiceField(label="Answer me in", choices=LANGUAGES)
    website = forms.CharField(label="Leave this empty", required=False)

    def __init__(self, *args: Any, files: Sequence[UploadedFile] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.attached = files
        complete = {"name": "name", "email": "email", "website": "off"}
        for name, token in complete.items():
            self.fields[name].widget.attrs["autocomplete"] = token
        self.fields["website"].widget.attrs["tabindex"] = "-1"

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError("Please leave this field empty and send the form again.")
        return ""

    def clean(self) -> dict[str, Any]:
        if len(self.attached) > FILES:
            self.add_error(None, f"Please attach at most {FILES} files.")
        if sum(file.size or 0 for file in self.attached) > FILE_BYTES:
            self.add_error(None, f"Please attach at most {FILE_BYTES // 1024 // 1024} MB in all.")
        return self.cleaned_data


@csrf_exempt  # Nobody is signed in here and no cookie counts: a forged post does no more than its sender could.
@public
@require_http_methods(["GET", "HEAD", "POST"])
def help_form(request: HttpRequest) -> HttpResponse:
    """The form, and what is sent with it."""
    if request.method != "POST":
        return _page(request, HelpForm(initial={"language": _language(request)}))
    form = HelpForm(request.POST, files=request.FILES.getlist("files"))
    nonce = _nonce_of(request.POST.get("nonce", ""))
    if nonce is None:
        form.add_error(None, "This page was open for too long. Nothing is lost: please send it again.")
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
    return render(request, "help/done.html", {"reference": plain.upper(), "notice": _notice(request)})


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
    context = {
        "form": form,
        "nonce": nonce,
        "notice": _notice(request),
        "not_kept": not_kept,
        "address": settings.SUPPORT_ADDRESS,
        "files": FILES,
        "megabytes": FILE_BYTES // 1024 // 1024,
        "had_files": bool(form.attached),
    }
    response = render(request, "help/form.html", context, status=status)
    response["Cache-Control"] = "no-store"
    if status == 503:
        response["Retry-After"] = "30"
    return response


def _notice(request: HttpRequest) -> notices.Shown | None:
    return notices.current(Notice.Target.WEB_FORM, _language(request))


def _language(request: HttpRequest) -> str:
    """The reader's language among ours, from what the browser says; no cookie, no session."""
    known = {tag for tag, _ in LANGUAGES}
    for tag, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if (short := tag.partition("-")[0]) in known:
            return short
    return LANGUAGES[0][0]
