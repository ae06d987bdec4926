"""What managers fill in about alert routes."""

from typing import Any

from django import forms

from triage.alerting import apprise_client
from triage.alerting.models import AlertRoute

MAIL, SERVICE = "mail", "service"


class RouteForm(forms.ModelForm):
    """A route. The address of a known one is not shown again: left empty, it stays."""

    way = forms.ChoiceField(
        label="It leads to",
        choices=[(SERVICE, "a service, by its apprise URL"), (MAIL, "each manager's mail")],
        widget=forms.RadioSelect,
        initial=SERVICE,
        error_messages={"required": "Choose where it leads to."},
    )
    url = forms.CharField(
        label="Apprise URL",
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="As in slack://token/…, msteams://…, pagerduty://…, twilio://…, mailto://… or json://host/path.",
    )

    class Meta:
        model = AlertRoute
        fields = ["name", "pages", "notices", "step", "on"]
        labels = {
            "name": "Name",
            "pages": "Pages: somebody has to look now",
            "notices": "Notices: worth knowing",
            "step": "It is told",
            "on": "On",
        }
        error_messages = {
            "name": {"required": "Name the route, as in “On-call channel”."},
            "step": {"required": "Choose when it is told."},
        }
        widgets = {"step": forms.RadioSelect}
        help_texts = dict.fromkeys(("name", "pages", "notices", "step", "on"), "")

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        if self.instance.pk:
            self.fields["way"].initial = SERVICE if self.instance.url else MAIL
        if self.instance.url:
            self.fields["url"].help_text = f"Now: {self.instance.shown}. Empty: it stays."

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("pages") and not values.get("notices"):
            self.add_error("pages", "It would never be told: let it take pages, notices or both.")
        if values.get("step") == AlertRoute.Step.SECOND and not values.get("pages"):
            self.add_error("step", "Only pages wait for somebody to acknowledge them.")
        values["address"] = "" if values.get("way") == MAIL else values.get("url", "").strip() or self.instance.url
        if values.get("way") == SERVICE and "url" not in self.errors:
            self._check(values["address"])
        return values

    def _check(self, address: str) -> None:
        try:
            apprise_client.service(address)
        except apprise_client.BadAddress as error:
            self.add_error("url", str(error))
