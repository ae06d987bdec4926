"""The page where managers name what people write about: each topic is counted and watched as a series of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tickets import changes, topics
from tickets.models import Topic
from tickets.roles import Power, colleague, needs
from triage.models import HourCount, Surge

# Retired topics shown, the newest first.
RETIRED = 20


class TopicForm(forms.Form):
    """A name and words. They are looked at once before they are added: `looked` says which ones were."""

    name = forms.CharField(
        max_length=100, label="Name", error_messages={"required": "Name what the messages are about."}
    )
    words = forms.CharField(
        max_length=2000,
        label="Words and phrases",
        help_text="One a line. Any of them makes a message one of the topic; whole words, in any case. "
        "log* finds what begins so.",
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Write at least one word."},
    )
    looked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_words(self) -> list[str]:
        words = list(dict.fromkeys(" ".join(line.split()) for line in self.cleaned_data["words"].splitlines()))
        words = [word for word in words if word]
        if not any(any(letter.isalnum() for letter in word) for word in words):
            raise forms.ValidationError("Write at least one word.")
        if len(words) > topics.MOST_WORDS:
            raise forms.ValidationError(f"{len(words)} are too many; a topic takes {topics.MOST_WORDS}.")
        return words

    def clean(self) -> dict[str, Any]:
        if Topic.objects.filter(retired_at=None).count() >= topics.MOST_TOPICS:
            self.add_error(None, f"There are {topics.MOST_TOPICS} topics already; retire one first.")
        return self.cleaned_data

    @property
    def was_looked_at(self) -> bool:
        # Browsers send line ends as CRLF, also of hidden fields.
        return str(self.cleaned_data.get("looked", "")).splitlines() == self.cleaned_data["words"]


@dataclass(frozen=True, slots=True)
class Row:
    """One topic as the page shows it, with its share of all requests of a week; None where there were none."""

    topic: Topic
    week: int
    day: int
    surging: bool
    percent: int | None


@needs(Power.RUN_INCIDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """All topics, and a form that shows what the words would find before they are added."""
    form = TopicForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _answer(request, form, status=422 if request.method == "POST" else 200)
    words = form.cleaned_data["words"]
    if not form.was_looked_at:
        found, of = topics.coverage(words)
        data = {"name": form.cleaned_data["name"], "words": "\n".join(words), "looked": "\n".join(words)}
        return _answer(request, TopicForm(initial=data), found={"number": found, "of": of})
    topic = topics.add(form.cleaned_data["name"], words, colleague(request))
    messages.success(request, f"“{topic.name}” is counted from now on; the last weeks follow.")
    return redirect("topics")


@needs(Power.RUN_INCIDENTS)
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """How far the past of new topics is counted, polled while it is not."""
    return changes.poll(request, ["topics"], lambda: render(request, "triage/_topics_progress.html", _progress()))


@needs(Power.RUN_INCIDENTS)
@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Renames or retires a topic."""
    topic = get_object_or_404(Topic, pk=pk, retired_at=None)
    if verb == "retire":
        topics.retire(topic, colleague(request))
        messages.success(request, f"“{topic.name}” is watched no longer; what was counted stays.")
    elif verb == "rename":
        name = " ".join(request.POST.get("name", "").split())
        if not name or len(name) > 100:
            messages.error(request, "A name has between 1 and 100 letters. Nothing was changed.")
        else:
            topics.rename(topic, name, colleague(request))
            messages.success(request, f"It is called “{name}” now.")
    else:
        raise Http404
    return redirect("topics")


def _answer(
    request: HttpRequest, form: TopicForm, status: int = 200, found: dict[str, int] | None = None
) -> HttpResponse:
    retired = Topic.objects.exclude(retired_at=None).order_by("-retired_at")[:RETIRED]
    context = {"form": form, "found": found, "rows": _rows(timezone.now()), "retired": retired, **_progress()}
    return render(request, "triage/topics.html", context, status=status)


def _progress() -> dict[str, Any]:
    unfinished = topics.unfinished()
    return {"unfinished": [(topic, round(100 * topics.progress(topic))) for topic in unfinished]}


def _rows(now: datetime) -> list[Row]:
    """In four queries, however many topics there are."""
    found = list(Topic.objects.filter(retired_at=None))
    names = [f"topic:{topic.key}" for topic in found]
    week, day = now - timedelta(days=7), now - timedelta(days=1)
    sums = HourCount.objects.filter(series__in=[*names, "all"], hour__gte=week).values("series")
    sums = sums.annotate(week=Sum("arrivals"), day=Sum("arrivals", filter=Q(hour__gte=day)))
    counts = {row["series"]: (row["week"] or 0, row["day"] or 0) for row in sums}
    surging = set(Surge.objects.filter(series__in=names, ended_at=None).values_list("series", flat=True))
    everything = counts.get("all", (0, 0))[0]
    return [
        Row(
            topic,
            *counts.get(name, (0, 0)),
            surging=name in surging,
            percent=round(100 * counts.get(name, (0, 0))[0] / everything) if everything else None,
        )
        for topic, name in zip(found, names, strict=True)
    ]


def names() -> dict[str, str]:
    """What topics are called, by series."""
    return {f"topic:{key}": name for key, name in Topic.objects.values_list("key", "name")}
