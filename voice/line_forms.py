"""What managers fill in about lines: an announcement, and a line itself with its hours, numbers and words."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.contrib.auth import get_user_model
from django.forms.models import model_to_dict
from django.http import QueryDict

from tickets.desk.people import colleagues
from tickets.numbers import readable
from voice.lines import says
from voice.models import Line
from voice.numbers import may_dial, normalised, region_of
from voice.plan import MOST_RINGS
from voice.sound_fields import SaysForm
from voice.sounds import present

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# The faces of a line, and what they are called on the page.
FACES = {"open": "While it is open", "closed": "While it is closed", "incident": "In incident mode"}
LONGEST_WORDS = 2000
# Fields that are saved as they are entered.
PLAIN = ("name", "number", "group", "time_zone", "active", "screens", "offers_agent", "says_recorded")
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?\Z")
_SPAN = re.compile(r"(\d{1,2}[:.]\d{2})\s*(?:-|–|to)\s*(\d{1,2}[:.]\d{2})\Z")


def name_of(language: str) -> str:
    """A language's name, or its tag where nobody gave it one."""
    known = LANG_INFO.get(language.lower()) or LANG_INFO.get(language.lower().split("-")[0], {})
    return known.get("name", language)


class AnnounceForm(SaysForm):
    """Which lines say what from the next call on, how long, and why."""

    lines = forms.ModelMultipleChoiceField(
        Line.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    groups = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    hours = forms.FloatField(
        label="Ends by itself after (hours)",
        required=False,
        min_value=0.25,
        max_value=720,
        widget=forms.NumberInput(attrs={"step": "0.25"}),
        help_text="Empty: until somebody ends it.",
    )
    why = forms.CharField(
        label="Why",
        max_length=300,
        help_text="For the audit trail; callers do not hear it.",
        error_messages={"required": "Say in a few words why."},
    )

    def __init__(self, *args: Any, lines: Sequence[Line], **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["lines"].queryset = Line.objects.filter(active=True)  # type: ignore[attr-defined]
        sizes = Counter(line.group for line in lines if line.group)
        self.fields["groups"].choices = [  # type: ignore[attr-defined]
            (group, f"{group}: {size} line{'' if size == 1 else 's'}") for group, size in sorted(sizes.items())
        ]
        self.languages = list(dict.fromkeys(language for line in lines for language in line.languages))
        for language in self.languages:
            self.fields[f"say_{language}"] = _words(f"Callers hear, in {name_of(language)}", rows=3)
            self.add_sound(language, name_of(language))

    def spoken(self) -> dict[int, list[dict[str, str]]]:
        """What each chosen line will say, by its id: language, text, audio."""
        typed = {language: self.cleaned_data.get(f"say_{language}", "") for language in self.languages}
        return {
            line.pk: says(line.languages, line.incident_text, present(line.incident_audio), typed, self.recorded())
            for line in self.cleaned_data["lines"]
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "lines" in values and "groups" in values:
            whole = Line.objects.filter(active=True, group__in=values["groups"])
            values["lines"] = list(dict.fromkeys([*values["lines"], *whole]))
            if not values["lines"]:
                self.add_error("lines", "Choose the lines that shall announce it.")
        if "lines" in values:
            silent = [line for line in values["lines"] if not self.spoken()[line.pk]]
            for line in silent:
                named = " or ".join(name_of(language) for language in line.languages)
                self.add_error("lines", f"{line.name} would say nothing. Write what callers hear in {named}.")
        return values


class Colleagues(forms.ModelMultipleChoiceField):
    """Colleagues, each with the phone on which they are rung."""

    def label_from_instance(self, person: Any) -> str:
        phone = getattr(person, "agent_phone", None)
        name = person.get_full_name() or person.get_username()
        return f"{name}, {readable(phone.number)}" if phone else f"{name}, who has not said yet on which phone"


class LineForm(forms.Form):
    """A line, edited as a whole. What somebody else saved meanwhile is never overwritten unseen."""

    name = forms.CharField(
        label="Name", max_length=100, error_messages={"required": "Name the line as colleagues call it."}
    )
    number = forms.CharField(
        label="Number",
        max_length=30,
        help_text="With country code, such as +44 20 7946 0000",
        error_messages={"required": "Enter the number that customers dial."},
    )
    group = forms.CharField(
        label="Group", max_length=50, required=False, help_text="Lines of one group can be switched together: Europe"
    )
    languages = forms.CharField(
        label="Languages",
        max_length=100,
        help_text="The first is spoken first, such as en, de, pt-BR",
        error_messages={"required": "Say which languages it speaks."},
    )
    time_zone = forms.ChoiceField(
        label="Time zone", choices=[], error_messages={"required": "Choose where its hours are counted."}
    )
    active = forms.BooleanField(label="This line answers calls", required=False)
    always = forms.BooleanField(label="Always open", required=False)
    holidays = forms.CharField(
        label="Closed on these days",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, such as 2026-12-25",
    )
    rings = forms.CharField(
        label="Rings these numbers while open",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, with country code. All ring at once; the first to answer has the call.",
    )
    agents = Colleagues(
        get_user_model().objects.none(),
        label="Rings these colleagues while open",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    screens = forms.BooleanField(
        label="Whoever answers presses 1 to take the call",
        required=False,
        help_text="So no mailbox takes a caller. Leave it out where nobody can press a key: a switchboard’s number.",
    )
    offers_agent = forms.BooleanField(
        label="In incident mode, callers may still press 0 to ring these numbers", required=False
    )
    says_recorded = forms.BooleanField(
        label="Callers are told before they leave a message that it is recorded",
        required=False,
        help_text="The law asks for it in many countries. Leave it out only where none that you are called from does.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, line: Line, **values: Any) -> None:
        self.line = line
        values.setdefault("initial", _initial(line))
        super().__init__(*args, **values)
        zones = sorted(available_timezones() - {"localtime", "Factory"})
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in zones]  # type: ignore[attr-defined]
        self.fields["agents"].queryset = colleagues().select_related("agent_phone")  # type: ignore[attr-defined]
        for day, label in enumerate(DAYS):
            self.fields[f"day_{day}"] = forms.CharField(label=label, required=False, max_length=100)
        for face in FACES if line.pk else ():
            for language in line.languages:
                self.fields[f"{face}_{language}"] = _words(name_of(language), rows=2)

    def day_fields(self) -> list[forms.BoundField]:
        return [self[f"day_{day}"] for day in range(7)]

    def clean_number(self) -> str:
        number = normalised(self.cleaned_data["number"])
        if number is None:
            raise forms.ValidationError("This is no phone number. Write it with its country code: +44 20 7946 0000.")
        other = Line.objects.filter(number=number).exclude(pk=self.line.pk).first()
        if other is not None:
            raise forms.ValidationError(f"{other.name} has this number already.")
        return number

    def clean_languages(self) -> list[str]:
        tags = list(dict.fromkeys(re.split(r"[\s,;]+", self.cleaned_data["languages"].strip())))
        wrong = [tag for tag in tags if not _TAG.match(tag)]
        if wrong:
            raise forms.ValidationError(f"{wrong[0]} is no language. Write tags such as en, de or pt-BR.")
        return tags

    def clean_holidays(self) -> list[str]:
        days = self.cleaned_data["holidays"].replace(",", " ").split()
        for day in days:
            try:
                date.fromisoformat(day)
            except ValueError:
                raise forms.ValidationError(f"{day} is no day. Write it as 2026-12-25.") from None
        return sorted({date.fromisoformat(day).isoformat() for day in days})

    def clean_rings(self) -> list[str]:
        numbers = []
        for entered in filter(None, (row.strip() for row in self.cleaned_data["rings"].splitlines())):
            number = normalised(entered, region_of(self.line.number) if self.line.number else None)
            if number is None:
                raise forms.ValidationError(f"{entered} is no phone number. Write it with its country code.")
            refusal = may_dial(number, settings.CALL_COUNTRIES)
            if refusal:
                raise forms.ValidationError(f"{entered}: {refusal}")
            numbers.append(number)
        if len(numbers) > MOST_RINGS:
            raise forms.ValidationError(f"{MOST_RINGS} numbers at most can ring at once.")
        return list(dict.fromkeys(numbers))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for day in range(7):
            try:
                values[f"day_{day}"] = spans(values.get(f"day_{day}", ""))
            except ValueError as error:
                self.add_error(f"day_{day}", str(error))
        if len(values.get("rings") or []) + len(values.get("agents") or []) > MOST_RINGS:
            self.add_error("agents", f"{MOST_RINGS} phones at most can ring at once, numbers and colleagues together.")
        if values.get("number") and values["number"] in (values.get("rings") or []):
            self.add_error("rings", "A line that rings itself rings for ever.")
        if self.line.pk and values.get("seen") != state_of(self.line):
            entered = cast(QueryDict, self.data).copy()
            entered["seen"] = state_of(self.line)
            self.data = entered
            raise forms.ValidationError(
                "Somebody changed this line since you opened it. Nothing was saved; what you entered stands here. "
                "Save again to put it in place of theirs."
            )
        return values

    def apply(self) -> dict[str, list[Any]]:
        """Puts what was entered into the line, unsaved; returns what it was and what it is, by field that changed.

        Whom it rings is the caller's to save: `rung()`.
        """
        before = _kept(self.line) if self.line.pk else {}
        values = self.cleaned_data
        for name in PLAIN + ("holidays", "rings"):
            setattr(self.line, name, values[name])
        # No hours at all mean always open; a list for Monday that is empty means closed.
        hours = {str(day): values[f"day_{day}"] for day in range(7) if values[f"day_{day}"]}
        self.line.hours = {} if values["always"] else hours or {"0": []}
        for face in FACES if self.line.pk else ():
            # Words in a language that is taken out are kept, in case it comes back.
            typed = {tag: values[f"{face}_{tag}"] for tag in self.line.languages}
            said = {**getattr(self.line, f"{face}_text"), **typed}
            setattr(self.line, f"{face}_text", {tag: text for tag, text in said.items() if text})
        self.line.languages = values["languages"]
        after = _kept(self.line) | {"agents": self.rung()}
        return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}

    def rung(self) -> list[int]:
        """The ids of the colleagues whom the line shall ring, in order."""
        return sorted(agent.pk for agent in self.cleaned_data["agents"])


def spans(entered: str) -> list[list[str]]:
    """Pure: "9:00–12:30, 14:00–18:00" as pairs of clocks; ValueError says what is wrong."""
    found = []
    for part in filter(None, (part.strip() for part in re.split(r"[,;]", entered))):
        match = _SPAN.match(part)
        if match is None:
            raise ValueError(f"“{part}” are no hours. Write 09:00–17:00.")
        found.append([_clock(match[1]), _clock(match[2], end=True)])
        if found[-1][0] >= found[-1][1]:
            raise ValueError(f"“{part}” ends before it begins. Hours over midnight are two: until 24:00, and 00:00 on.")
    return sorted(found)


def _clock(entered: str, *, end: bool = False) -> str:
    padded = entered.replace(".", ":").zfill(5)
    if end and padded == "24:00":
        return padded
    try:
        return time.fromisoformat(padded).strftime("%H:%M")
    except ValueError:
        raise ValueError(f"{entered} is no time of day.") from None


def state_of(line: Line) -> str:
    """A short name for everything that a line says at the moment."""
    return hashlib.sha256(json.dumps(_kept(line), sort_keys=True).encode()).hexdigest()[:16]


def _kept(line: Line) -> dict[str, Any]:
    kept = model_to_dict(line, exclude=["id", "agents"])
    return kept | {"agents": sorted(line.agents.values_list("pk", flat=True)) if line.pk else []}


def _initial(line: Line) -> dict[str, Any]:
    hours: Mapping[str, list[list[str]]] = line.hours
    days = {f"day_{day}": ", ".join("–".join(span) for span in hours.get(str(day), [])) for day in range(7)}
    words = {
        f"{face}_{language}": getattr(line, f"{face}_text").get(language, "")
        for face in FACES
        for language in line.languages
    }
    plain = {name: getattr(line, name) for name in PLAIN}
    return {
        **plain,
        **days,
        **words,
        "always": not hours,
        "languages": ", ".join(line.languages),
        "holidays": "\n".join(line.holidays),
        "rings": "\n".join(line.rings),
        "agents": list(line.agents.all()) if line.pk else [],
        "seen": state_of(line),
    }


def _words(label: str, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": rows})
    )
