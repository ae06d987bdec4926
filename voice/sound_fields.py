"""The part of a form that takes recordings: a file per language, kept over mistakes and confirmations until used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from voice import sounds
from voice.audio import BadAudio, Sound

# Seconds within which a recording that was uploaded may be used; then it may have been swept.
LIFETIME = int(sounds.UNUSED.total_seconds())
_SALT = "voice.sound"


@dataclass(frozen=True, slots=True)
class Given:
    """What a browser sent for one recording: a new file, the token of one that it sent before, or to take that away."""

    file: UploadedFile | None
    token: str
    away: bool


def token_of(digest: str) -> str:
    """Names a recording to a browser, so that it can say again which it meant and nothing else."""
    return signing.dumps(digest, salt=_SALT) if digest else ""


def digest_of(token: str) -> str:
    """The recording that a token names, claimed; empty when it is too old, altered or gone."""
    try:
        digest = signing.loads(token, salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return ""
    return digest if sounds.claim(digest) else ""


class SoundInput(forms.Widget):
    """A file input, and above it the recording that is kept already, to be listened to or taken away."""

    needs_multipart_form = True
    kept = ""  # the hash that cleaning found, so that a form with a mistake elsewhere shows it again

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Given:
        return Given(files.get(name), data.get(f"{name}_kept", ""), f"{name}_away" in data)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        digest = self.kept or (value if isinstance(value, str) else "")
        attrs = attrs or {}
        context = {"name": name, "id": attrs.get("id", f"id_{name}"), "label": self.attrs.get("label", name)}
        context["wrong"] = "aria-invalid" in attrs
        if digest:
            context |= {"digest": digest, "token": token_of(digest), "sound": _about(digest)}
        return render_to_string("voice/_sound_input.html", context)


class SoundField(forms.Field):
    """Cleans to the hash of a recording, empty for none. `initial` is such a hash."""

    widget = SoundInput

    def __init__(self, *, label: str) -> None:
        super().__init__(label=label, required=False, widget=SoundInput(attrs={"label": label}))

    def clean(self, value: Given) -> str:
        if value.file is not None:
            try:
                digest = sounds.take_file(value.file)
            except BadAudio as error:
                self._keep("" if value.away else digest_of(value.token))
                raise forms.ValidationError(str(error)) from error
            return self._keep(digest)
        if not value.token or value.away:
            return ""
        digest = digest_of(value.token)
        if not digest:
            raise forms.ValidationError("This recording was uploaded more than a day ago. Upload it again.")
        return self._keep(digest)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data and (data.file or data.token))

    def _keep(self, digest: str) -> str:
        self.widget.kept = digest
        return digest


class SaysForm(forms.Form):
    """A form with words and a recording per language (`say_en`, `sound_en`). What is recorded is written down as well:
    it is spoken where the recording cannot be played."""

    languages: list[str]

    def add_sound(self, language: str, name: str) -> None:
        self.fields[f"sound_{language}"] = SoundField(label=f"Recording of it, in {name}")

    def say_rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Words and recording of each language."""
        return [(self[f"say_{language}"], self[f"sound_{language}"]) for language in self.languages]

    def recorded(self) -> dict[str, str]:
        """The recordings that were given, by language."""
        found = {language: self.cleaned_data.get(f"sound_{language}", "") for language in self.languages}
        return {language: digest for language, digest in found.items() if digest}

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for language in self.recorded():
            if not values.get(f"say_{language}", "").strip() and f"say_{language}" not in self.errors:
                self.add_error(
                    f"say_{language}",
                    "Write down what it says: a computer’s voice says that where the recording cannot be played.",
                )
        return values

    def again(self) -> list[tuple[str, str]]:
        """Everything that was filled in, as hidden fields send it once more: files by their tokens."""
        sent = [(name, value) for name, values in cast(QueryDict, self.data).lists() for value in values]
        plain = [(name, value) for name, value in sent if name in self.fields]
        return [*plain, *((f"sound_{tag}_kept", token_of(digest)) for tag, digest in self.recorded().items())]


def _about(digest: str) -> Sound | None:
    try:
        return sounds.about(digest)
    except (OSError, ValueError):
        return None
