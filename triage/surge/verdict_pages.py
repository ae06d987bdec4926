"""What managers press and fill in about surges: this is not one, this is one, it is over."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from tickets.roles import Power, colleague, needs
from triage.models import SeriesState, Surge
from triage.surge import verdicts
from triage.surge.series import ALL, in_order, name_of
from voice.models import Line

DECISIONS = {"dismiss": verdicts.dismiss, "take-back": verdicts.take_back, "end": verdicts.end}
SAID = {
    "dismiss": "Noted: this is not a surge.",
    "take-back": "It counts as a surge again.",
    "end": "Noted: it is over.",
}
MOMENT = "%Y-%m-%dT%H:%M"
# What the form offers as its beginning.
AGO = timedelta(minutes=15)
# A surge that began longer ago than this is history.
LONGEST = timedelta(days=7)


class DeclareForm(forms.Form):
    """A surge that the detector has not seen, or not yet."""

    series = forms.ChoiceField(label="Where", error_messages={"required": "Choose where it is."})
    began_at = forms.DateTimeField(
        label=f"Since ({settings.TIME_ZONE})",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        error_messages={"required": "Say since when."},
    )
    why = forms.CharField(label="Why", max_length=200, required=False, help_text="Others read it in the alert.")
    tell = forms.BooleanField(label="Tell everybody whom a surge is told to", required=False, initial=True)

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["series"].choices = watched()  # type: ignore[attr-defined]

    def clean_began_at(self) -> datetime:
        began: datetime = self.cleaned_data["began_at"]
        if began > timezone.now():
            raise forms.ValidationError("This is in the future.")
        if began < timezone.now() - LONGEST:
            raise forms.ValidationError("This is more than a week ago.")
        return began


def watched() -> list[tuple[str, str]]:
    """The series there are, as people read them: all of them first."""
    lines = {f"line:{key}": name for key, name in Line.objects.values_list("key", "name")}
    known = in_order({ALL, *SeriesState.objects.values_list("series", flat=True)})
    return [(series, (lines.get(series) or name_of(series)).capitalize()) for series in known]


@needs(Power.RUN_INCIDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HttpRequest) -> HttpResponse:
    """A manager says that this is a surge."""
    form = DeclareForm(request.POST or None, initial={"began_at": timezone.now() - AGO})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = verdicts.declare(
                values["series"], values["began_at"], colleague(request), values["why"], tell=values["tell"]
            )
        except verdicts.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Noted: this is a surge. You can take that back here.")
            return redirect("surge", made.pk)
    return render(request, "triage/declare.html", {"form": form}, status=422 if form.is_bound else 200)


@needs(Power.RUN_INCIDENTS)
@require_POST
def decide(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """A manager says that it is no surge, takes that back, or says that it is over."""
    if verb not in DECISIONS:
        raise Http404
    DECISIONS[verb](get_object_or_404(Surge, pk=pk), colleague(request))
    messages.success(request, SAID[verb])
    return redirect("control")
