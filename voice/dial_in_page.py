"""One's own account: from which phones one may switch the lines, and the PIN for it, which is never shown."""

from typing import Any

from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tickets.numbers import readable
from tickets.roles import Power, colleague, needs
from voice import pins
from voice.models import DialIn, Line
from voice.numbers import normalised

_HIDDEN = {"inputmode": "numeric", "autocomplete": "new-password"}


class DialInForm(forms.Form):
    """Numbers and PIN of one person."""

    numbers = forms.CharField(
        label="I call from",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One number a line, with country code.",
        error_messages={"required": "Enter at least one number that you call from."},
    )
    pin = forms.CharField(label="PIN", required=False, widget=forms.PasswordInput(attrs=_HIDDEN))
    again = forms.CharField(label="The PIN once more", required=False, widget=forms.PasswordInput(attrs=_HIDDEN))

    password = forms.CharField(
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="The one you sign in with: so that nobody sets a PIN at a desk that you have left.",
        error_messages={"required": "Enter the password that you sign in with."},
    )

    def __init__(self, *args: Any, user: User, owner: DialIn | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.owner = user, owner
        if not user.has_usable_password():
            del self.fields["password"]
        kept = " Left empty, the one you have stays." if owner else ""
        self.fields["pin"].help_text = f"{pins.SHORTEST} to {pins.LONGEST} digits.{kept}"

    def clean_numbers(self) -> list[str]:
        found = []
        for entered in filter(None, (row.strip() for row in self.cleaned_data["numbers"].splitlines())):
            number = normalised(entered)
            if number is None:
                raise forms.ValidationError(f"{entered[:40]} is no phone number. Write it with its country code.")
            if Line.objects.filter(number=number).exists():
                raise forms.ValidationError(f"{entered} is one of our own lines.")
            found.append(number)
        if len(set(found)) > pins.MOST_NUMBERS:
            raise forms.ValidationError(f"{pins.MOST_NUMBERS} numbers at most.")
        return list(dict.fromkeys(found))

    def clean_password(self) -> str:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError("This is not your password.")
        return ""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        pin = values.get("pin", "")
        weak = pins.weakness(pin, values.get("numbers", [])) if pin or self.owner is None else ""
        if weak:
            self.add_error("pin", weak)
        elif pin != values.get("again", ""):
            self.add_error("again", "The two are not the same. Enter the PIN twice.")
        return values


@sensitive_post_parameters("pin", "again", "password")
@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def dial_in(request: HttpRequest) -> HttpResponse:
    """Shows how it works and sets it up."""
    user = colleague(request)
    owner = DialIn.objects.filter(user=user).first()
    if request.method != "POST":
        known = owner.numbers.values_list("number", flat=True) if owner else []
        numbers = "\n".join(readable(number) for number in known)
        return _page(request, DialInForm(user=user, owner=owner, initial={"numbers": numbers}))
    form = DialInForm(request.POST, user=user, owner=owner)
    if not ratelimit.consume(request, action="reauthenticate", user=user):
        form.add_error(None, "Too many tries within a minute. Nothing was saved; wait a moment and save again.")
    elif form.is_valid():
        try:
            pins.keep(user, form.cleaned_data["numbers"], form.cleaned_data["pin"])
        except pins.Taken as error:
            form.add_error("numbers", f"{readable(str(error))} belongs to another manager. A number is one person’s.")
        else:
            messages.success(request, "Saved. From the next call on you can switch the lines by phone.")
            return redirect("dial_in")
    return _page(request, form, status=422)


@require_POST
@needs(Power.RUN_INCIDENTS)
def remove(request: HttpRequest) -> HttpResponse:
    """Takes the PIN and the numbers away."""
    if pins.take_away(colleague(request)):
        messages.success(request, "Taken away. Nobody can switch the lines by phone in your name.")
    else:
        messages.info(request, "There was nothing to take away.")
    return redirect("dial_in")


def _page(request: HttpRequest, form: DialInForm, status: int = 200) -> HttpResponse:
    owner = form.owner
    context = {
        "form": form,
        "owner": owner,
        "locked": owner is not None and pins.locked(owner, timezone.now()),
        "lines": Line.objects.filter(active=True),
        "limits": {
            "number": pins.OF_NUMBER,
            "all": pins.OF_ALL,
            "hours": round(pins.OF_NUMBER_FOR.total_seconds() / 3600),
        },
        "attempts": owner.attempts.order_by("-at", "-pk")[:5] if owner else [],
    }
    return render(request, "voice/dial_in.html", context, status=status)
