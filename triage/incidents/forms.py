"""What managers fill in: sensible from the start, so that entering incident mode takes a look and two clicks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from tickets.mentions import means_something
from tickets.wording import name_of
from triage.incidents.preview import Choices
from triage.incidents.words import first_words
from triage.models import Component, Incident, Surge, Update
from triage.surge.about import Shown
from voice.models import Line
from voice.sound_fields import SaysForm

# What may be promised, in minutes; 0: nothing is promised.
PROMISES = [(15, "15 minutes"), (30, "30 minutes"), (60, "1 hour"), (120, "2 hours"), (0, "no promise")]
ONGOING = [choice for choice in Update.Status.choices if choice[0] in ("investigating", "identified", "monitoring")]
UNSAID_STATUS = {"required": "Choose how far you are."}
UNSAID_PROMISE = {"required": "Choose when you will write next."}
# Words of a linking rule that somebody types.
MOST_WORDS, LONGEST_WORD = 40, 80
MOMENT = "%Y-%m-%dT%H:%M"


def split_words(typed: str) -> list[str]:
    return [word.strip() for word in typed.split(",") if word.strip()]


def wordable(typed: str) -> None:
    """Refuses words that could only match everything or nothing, and lists that no database should be asked."""
    words = split_words(typed)
    if idle := [word for word in words if not means_something(word)]:
        raise ValidationError(f"“{idle[0]}” has no letter or digit to look for.")
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        raise ValidationError(f"At most {MOST_WORDS} words of at most {LONGEST_WORD} letters, please.")


def languages_of(lines: list[Line]) -> list[str]:
    """The house's language first, then every language that a line speaks."""
    spoken = [language for line in lines for language in line.languages]
    return list(dict.fromkeys([settings.LANGUAGE_CODE, *spoken]))


def playbook(lines: list[Line], language: str) -> str:
    """The words that all lines share in this language; empty where each has its own, which it then says."""
    own = {line.incident_text.get(language, "") for line in lines if language in line.languages}
    if len(own) > 1 and "" not in own:
        return ""
    return max(own, key=len, default="") or first_words("announcement", language)


class Offered(forms.MultipleChoiceField):
    """Boxes of what rises in a surge. What rose a moment ago, when the page was made, may be ticked as well."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: str) -> bool:
        return True


class EnterForm(SaysForm):
    """Everything that entering does. Fields per language and component are made for what there is."""

    title = forms.CharField(
        max_length=200,
        label="Title",
        help_text="Public: the status page and the mails bear it.",
        error_messages={"required": "Say in a few words what is wrong."},
    )
    started_at = forms.DateTimeField(
        label=f"Affected since ({settings.TIME_ZONE})",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        help_text="Open tickets from then on are linked.",
        error_messages={"required": "Say since when it is affected."},
    )
    impact = forms.ChoiceField(
        label="Impact", choices=Incident.Impact.choices, error_messages={"required": "Choose how bad it is."}
    )
    lines = forms.ModelMultipleChoiceField(
        Line.objects.none(), required=False, label="Lines that switch", widget=forms.CheckboxSelectMultiple
    )
    status = forms.ChoiceField(label="We are", choices=ONGOING, error_messages=UNSAID_STATUS)
    update = forms.CharField(
        label="First public update",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what the status page says first."},
    )
    next_update_minutes = forms.TypedChoiceField(
        label="Next update within", choices=PROMISES, coerce=int, error_messages=UNSAID_PROMISE
    )
    link = forms.BooleanField(label="Link the open tickets since then", required=False)
    terms = Offered(label="Only tickets that mention", required=False)
    words = forms.CharField(
        label="Only tickets that mention (other words)",
        required=False,
        validators=[wordable],
        help_text="Separated by commas; whole words, “log*” for all that begins so. No word at all: every ticket.",
    )
    link_new = forms.BooleanField(label="Link new tickets while incident mode is on", required=False)
    answer = forms.BooleanField(label="Answer everybody linked, by one mail each", required=False)
    reply = forms.CharField(
        label="Words of that mail",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Empty: the public update, with greeting and the address of the status page.",
    )
    surge = forms.ModelChoiceField(Surge.objects.all(), required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, offered: Sequence[Shown] = (), **values: Any) -> None:
        """`offered`: the rising terms of the surge that is on, each a box with what it covers."""
        super().__init__(*args, **values)
        known = {term.label: term.coverage for term in offered}
        ticked = self["terms"].value() or []
        terms = [
            (word, f"{word}: {known[word]}" if word in known else word) for word in {**known, **dict.fromkeys(ticked)}
        ]
        self.fields["terms"].choices = terms  # type: ignore[attr-defined]
        lines = list(Line.objects.filter(active=True))
        self.languages = languages_of(lines)
        self.parts = list(Component.objects.all())
        self.fields["lines"].queryset = Line.objects.filter(active=True)  # type: ignore[attr-defined]
        for language in self.languages:
            self.fields[f"say_{language}"] = _words(f"Callers hear, in {name_of(language)}", playbook(lines, language))
            self.add_sound(language, name_of(language))
            self.fields[f"notice_{language}"] = _words(
                f"Form and acknowledgement say, in {name_of(language)}", first_words("notice", language)
            )
        for part in self.parts:
            choices = [("", "unchanged"), *Component.Status.choices]
            self.fields[f"part_{part.pk}"] = forms.ChoiceField(label=part.name, choices=choices, required=False)

    def notice_fields(self) -> list[forms.BoundField]:
        return [self[f"notice_{language}"] for language in self.languages]

    def part_fields(self) -> list[forms.BoundField]:
        return [self[f"part_{part.pk}"] for part in self.parts]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for line in values.get("lines") or []:
            if not any(line.incident_text.get(spoken) or values.get(f"say_{spoken}") for spoken in line.languages):
                self.add_error(
                    "lines", f"{line.name} would say nothing: it has no message in {_named(line.languages)}."
                )
        if values.get("started_at") and values["started_at"] > timezone.now():
            self.add_error("started_at", "This is in the future.")
        return values

    def choices(self) -> Choices:
        """What was asked for, once the form is valid."""
        values = self.cleaned_data
        plain = (
            "title",
            "started_at",
            "update",
            "status",
            "impact",
            "next_update_minutes",
            "link",
            "link_new",
            "answer",
        )
        return Choices(
            **{name: values[name] for name in plain},
            lines=[line.pk for line in values["lines"]],
            announcement={language: values[f"say_{language}"] for language in self.languages},
            recorded=self.recorded(),
            notice={language: values[f"notice_{language}"] for language in self.languages},
            components={str(part.pk): values[f"part_{part.pk}"] for part in self.parts if values[f"part_{part.pk}"]},
            words=list(dict.fromkeys([*values["terms"], *split_words(values["words"])])),
            reply=values["reply"],
            surge=values["surge"].pk if values["surge"] else None,
        )


def first_choices(surge: Surge | None) -> dict[str, Any]:
    """What the form offers before anybody touched it."""
    since = surge.began_at if surge else timezone.now() - timedelta(hours=1)
    return {
        "title": first_words("title", settings.LANGUAGE_CODE, since=since),
        "started_at": since,
        "impact": Incident.Impact.MAJOR,
        "lines": list(Line.objects.filter(active=True).values_list("pk", flat=True)),
        "status": Update.Status.INVESTIGATING,
        "update": first_words("update", settings.LANGUAGE_CODE),
        "next_update_minutes": 30,
        "link": True,
        "link_new": True,
        "answer": True,
        "surge": surge.pk if surge else None,
    }


def same_choices(choices: Mapping[str, Any], offered: Iterable[str] = ()) -> dict[str, Any]:
    """The form as it was filled in for a preview, to change something; `offered` words have boxes of their own."""
    boxes = set(offered)
    again = {
        **choices,
        "started_at": datetime.fromisoformat(choices["started_at"]),
        "terms": [word for word in choices["words"] if word in boxes],
        "words": ", ".join(word for word in choices["words"] if word not in boxes),
    }
    kinds = (("say", "announcement"), ("sound", "recorded"), ("notice", "notice"), ("part", "components"))
    for prefix, words in kinds:
        again |= {f"{prefix}_{key}": value for key, value in choices.get(words, {}).items()}
    return again


class UpdateForm(forms.Form):
    """A public update: what is new, and until when the next is promised."""

    status = forms.ChoiceField(label="We are", choices=ONGOING, error_messages=UNSAID_STATUS)
    body = forms.CharField(
        label="What is new", widget=forms.Textarea(attrs={"rows": 4}), error_messages={"required": "Write what is new."}
    )
    next_update_minutes = forms.TypedChoiceField(
        label="Next update within", choices=PROMISES, coerce=int, initial=30, error_messages=UNSAID_PROMISE
    )
    reply = forms.BooleanField(label="Then send it to everybody linked", required=False)

    def __init__(self, *args: Any, incident: Incident, languages: list[str], **values: Any) -> None:
        super().__init__(*args, **values)
        newest = incident.updates.first()
        if newest is not None:
            self.fields["status"].initial = newest.status
        self.languages = [language for language in languages if language != settings.LANGUAGE_CODE]
        for language in self.languages:
            self.fields[f"body_{language}"] = _words(
                f"The same in {name_of(language)}, for form and acknowledgement", ""
            )
        self.parts = list(Component.objects.all())
        for part in self.parts:
            self.fields[f"part_{part.pk}"] = forms.ChoiceField(
                label=part.name,
                choices=[("", "unaffected"), *Component.Status.choices],
                required=False,
                initial=incident.components.get(str(part.pk), ""),
            )

    def part_fields(self) -> list[forms.BoundField]:
        return [self[f"part_{part.pk}"] for part in self.parts]

    def translation_fields(self) -> list[forms.BoundField]:
        return [self[f"body_{language}"] for language in self.languages]

    def translations(self) -> dict[str, str]:
        found = {language: self.cleaned_data[f"body_{language}"] for language in self.languages}
        return {language: text for language, text in found.items() if text}

    def components(self) -> dict[str, str]:
        return {str(part.pk): self.cleaned_data[f"part_{part.pk}"] for part in self.parts}


class LeaveForm(forms.Form):
    """The closing words."""

    body = forms.CharField(
        label="Last public update: resolved",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write how it ended: the status page shows it last."},
    )


class WriteUpForm(forms.Form):
    """What customers are owed afterwards."""

    body = forms.CharField(
        label="What happened, why, and what changes",
        widget=forms.Textarea(attrs={"rows": 8, "class": "long"}),
        help_text="It stands over the incident’s updates on the status page, and its subscribers get it by mail.",
        error_messages={"required": "Write what happened, and why."},
    )


class ReplyForm(forms.Form):
    """A bulk reply, confirmed by its key."""

    subject = forms.CharField(
        max_length=200, label="Subject", error_messages={"required": "Write the subject of the mail."}
    )
    text = forms.CharField(
        label="What they read",
        widget=forms.Textarea(attrs={"rows": 10}),
        error_messages={"required": "Write what they shall read."},
    )
    listeners = forms.BooleanField(required=False)
    key = forms.CharField(
        max_length=43,
        widget=forms.HiddenInput,
        error_messages={"required": "This page is incomplete. Open it again from the incident."},
    )

    def __init__(self, *args: Any, languages: Mapping[str, int], **values: Any) -> None:
        """`languages`: how many people wrote in which other language."""
        super().__init__(*args, **values)
        self.languages = list(languages)
        for language, people in languages.items():
            field = _words(f"The same in {name_of(language)}", "", rows=8)
            field.help_text = f"{people} of them wrote in it. Empty: they read the words above."
            self.fields[f"text_{language}"] = field

    def translation_fields(self) -> list[forms.BoundField]:
        return [self[f"text_{language}"] for language in self.languages]

    def translations(self) -> dict[str, str]:
        return {language: self.cleaned_data[f"text_{language}"] for language in self.languages}


class ComponentForm(forms.ModelForm):
    """A part of the product as the status page names it."""

    class Meta:
        model = Component
        fields = ("name", "status", "position")
        labels = {"position": "Order"}
        help_texts = {"status": ""}
        error_messages = {
            "name": {"required": "Name the part as customers know it."},
            "status": {"required": "Choose how it is on ordinary days."},
            "position": {"required": "Say which place it has in the list, from 1 on."},
        }


def _words(label: str, initial: str, rows: int = 3) -> forms.CharField:
    return forms.CharField(label=label, required=False, initial=initial, widget=forms.Textarea(attrs={"rows": rows}))


def _named(languages: list[str]) -> str:
    return " or ".join(languages) or "any language"
