"""Pages about people: who works here, invitations, and accepting one."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login, password_validation
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tickets.desk import invitations, people
from tickets.models import Invitation
from tickets.roles import ROLES, Power, needs, powers_of, public

SHOWN = 200


class InviteForm(forms.Form):
    """Whom to let in. Only who manages people may choose another role than helper."""

    note = forms.CharField(label="For whom", max_length=200, required=False)
    hours = forms.IntegerField(
        label="Hours until it expires",
        min_value=1,
        max_value=336,
        initial=24,
        error_messages={"required": "Say for how many hours the link is good, at most 336."},
    )
    role = forms.ChoiceField(choices=[(role, role) for role in ROLES], initial="helper", required=False)


class JoinForm(forms.Form):
    """What an invited person says about themselves."""

    name = forms.CharField(
        label="Your name", max_length=200, error_messages={"required": "Tell us your name: colleagues see it."}
    )
    email = forms.EmailField(
        label="Email address",
        max_length=150,
        error_messages={"required": "Enter the address that you will sign in with."},
    )
    password = forms.CharField(
        label="Password", widget=forms.PasswordInput, strip=False, error_messages={"required": "Choose a password."}
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        taken = get_user_model().objects.filter(username__iexact=email).exists()
        if taken or get_user_model().objects.filter(email__iexact=email).exists():
            raise ValidationError("Somebody signs in with this address already.")
        return email

    def clean_password(self) -> str:
        password_validation.validate_password(self.cleaned_data["password"])
        return str(self.cleaned_data["password"])


@require_GET
@needs(Power.MANAGE_PEOPLE)
def show(request: HttpRequest) -> HttpResponse:
    """Everybody who works here."""
    everybody = get_user_model().objects.prefetch_related("groups").order_by("-is_active", "first_name", "username")
    return render(request, "desk/people.html", {"people": everybody[:SHOWN], "roles": ROLES, **_invitations()})


@require_POST
@needs(Power.MANAGE_PEOPLE)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a person's role, locks them out or lets them in."""
    person = get_object_or_404(get_user_model(), pk=pk)
    act, role = request.POST.get("act", ""), request.POST.get("role", "")
    try:
        if act == "deactivate":
            people.deactivate(person, request.user)
        elif act == "reactivate":
            people.reactivate(person, request.user)
        elif role in ROLES:
            people.set_role(person, role, request.user)
        messages.success(request, f"Saved: {person.get_full_name() or person.get_username()}.")
    except people.LastAdministrator:
        messages.error(request, "Nobody else is an administrator: make somebody else one first.")
    return redirect("people")


def _invitations() -> dict[str, Any]:
    rows = Invitation.objects.select_related("by", "used_by").order_by("-pk")
    return {"invitations": rows[:50], "now": timezone.now()}


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Power.RUN_INCIDENTS)
def invite(request: HttpRequest) -> HttpResponse:
    """Makes an invitation and shows its link, once."""
    form = InviteForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "roles": ROLES}
    if request.method == "POST" and form.is_valid():
        role = form.cleaned_data["role"] or "helper"
        if role != "helper" and Power.MANAGE_PEOPLE not in powers_of(request.user):
            raise PermissionDenied
        invitation, token = invitations.invite(
            request.user, note=form.cleaned_data["note"], role=role, lasts=timedelta(hours=form.cleaned_data["hours"])
        )
        context |= {"invitation": invitation, "link": settings.PUBLIC_URL + reverse("invite", args=[token])}
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "desk/invitations.html", {**context, **_invitations()}, status=status)


@require_POST
@needs(Power.RUN_INCIDENTS)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends an invitation."""
    if invitations.withdraw(get_object_or_404(Invitation, pk=pk), request.user):
        messages.success(request, "Withdrawn: the link lets nobody in any more.")
    return redirect("invitations")


@never_cache
@require_http_methods(["GET", "POST"])
@public
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Lets an invited person make their account."""
    try:
        invitation = invitations.usable(token)
        form = JoinForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            person = invitations.accept(token, **form.cleaned_data)
            login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
            return redirect("queue")
    except invitations.Unusable:
        return render(request, "desk/invitation_ended.html", status=410)
    context = {"form": form, "invitation": invitation}
    return render(request, "desk/invitation.html", context, status=422 if form.is_bound else 200)
