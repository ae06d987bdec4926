"""Pages of incident mode: enter with a preview, keep up to date, leave."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tickets import changes
from tickets.models import Notice, Ticket
from tickets.roles import Power, needs, powers_of
from triage.incidents import broadcast, figures, linking, mode
from triage.incidents.forms import (
    MOST_WORDS,
    EnterForm,
    LeaveForm,
    ReplyForm,
    UpdateForm,
    WriteUpForm,
    first_choices,
    same_choices,
)
from triage.incidents.words import first_words, reply_text
from triage.models import Component, Incident, Job, Preview, Surge, Update
from triage.status.components import all_operational
from triage.surge import about, subjects
from voice import listeners
from voice.models import Announcement

# Incidents on one page of the list.
PAGE = 30
# What the moving part of an incident's page depends on.
TOPICS = ["incident", "lines", "notices", "tickets"]


@needs(Power.WORK_DESK)
@require_safe
def incidents(request: HttpRequest) -> HttpResponse:
    """All incidents, the newest first."""
    found = Incident.objects.select_related("problem", "entered_by", "left_by").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal():
        found = found.filter(pk__lt=int(before))
    shown = list(found[: PAGE + 1])
    more = shown[PAGE - 1].pk if len(shown) > PAGE else None
    return render(request, "incidents/list.html", {"incidents": shown[:PAGE], "more": more, **_may(request)})


@needs(Power.RUN_INCIDENTS)
def enter(request: HttpRequest) -> HttpResponse:
    """The form; a valid one leads to its preview and changes nothing."""
    surge = _surge(request)
    found = about.shown(surge)
    offered = found.terms if found else []
    if request.method == "POST":
        form = EnterForm(request.POST, request.FILES, offered=offered)
        if form.is_valid():
            return redirect("incident_preview", mode.preview(form.choices(), request.user).token)
    else:
        form = EnterForm(initial=_initial(request, surge, [term.label for term in offered]), offered=offered)
    context = {"form": form, "about": found, "subjects": subjects.since(surge.began_at) if surge else []}
    return render(request, "incidents/enter.html", context, status=400 if form.errors else 200)


def _surge(request: HttpRequest) -> Surge | None:
    """The one that a link names, as alerts do, else the one that is on."""
    named = request.GET.get("surge", "")
    known = Surge.objects.select_related("terms")
    found = known.filter(pk=int(named[:18])).first() if named.isdecimal() else None
    return found or known.on().order_by("began_at").first()


def _initial(request: HttpRequest, surge: Surge | None, offered: list[str]) -> dict[str, object]:
    """As it was for a preview that is to be changed, or as a surge suggests; `?words` brings a rule along."""
    again = Preview.objects.filter(token=request.GET.get("again", "")).first()
    if again is not None:
        return same_choices(again.choices, offered)
    words = dict.fromkeys(request.GET.getlist("words")[:MOST_WORDS])
    typed = ", ".join(word for word in words if word not in offered)
    return {**first_choices(surge), "terms": [word for word in words if word in offered], "words": typed}


@needs(Power.RUN_INCIDENTS)
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """What will happen; one button makes it so."""
    shown = get_object_or_404(Preview.objects.select_related("by"), token=token)
    if request.method != "POST":
        started_at = datetime.fromisoformat(shown.effects["started_at"])
        chosen = {str(part["id"]): part["status"] for part in shown.effects["status"]["components"]}
        all_well = all_operational(Component.objects.all(), Incident.objects.filter(left_at=None), chosen)
        context = {"preview": shown, "effects": shown.effects, "started_at": started_at, "all_well": all_well}
        return render(request, "incidents/preview.html", context)
    try:
        incident = mode.enter(token, request.user)
    except mode.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{_enter_address()}?again={token}")
    if incident.preview_id != shown.pk:
        by = incident.entered_by
        name = (by.get_full_name() or by.get_username()) if by else "Somebody"
        at = timezone.localtime(incident.entered_at)
        messages.warning(
            request, f"{name} entered incident mode at {at:%H:%M}, before you. Nothing of yours was done: see below."
        )
    return redirect("incident", incident.pk)


def _enter_address() -> str:
    return redirect("incident_enter").url  # type: ignore[attr-defined]


@needs(Power.WORK_DESK)
@require_safe
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident: what is in force, its updates, its jobs and replies; `?live` is the part of it that is polled."""
    found = _incident(pk)
    if "live" in request.GET:
        return changes.poll(request, TOPICS, lambda: _live(request, found))
    return _page(request, found, WriteUpForm() if found.left_at else _update_form(found))


@needs(Power.RUN_INCIDENTS)
@require_POST
def update(request: HttpRequest, pk: int) -> HttpResponse:
    """Posts an update; with the reply wanted, its confirmation follows."""
    found = _incident(pk)
    form = _update_form(found, request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=400)
    values = form.cleaned_data
    minutes = values["next_update_minutes"]
    try:
        posted = mode.post_update(
            found,
            values["status"],
            values["body"],
            request.user,
            timezone.now() + timedelta(minutes=minutes) if minutes else None,
            translations=form.translations(),
            components=form.components(),
        )
    except mode.Refused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, found, form, status=409)
    messages.success(request, "The update is on the status page.")
    if values["reply"]:
        return redirect("incident_reply", found.pk, posted.pk)
    return redirect("incident", found.pk)


@needs(Power.RUN_INCIDENTS)
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """What leaving ends, and the closing words; then the offer of the closing reply."""
    found = _incident(pk)
    if found.left_at is not None:
        at = f"{timezone.localtime(found.left_at):%-d %b, %H:%M}"
        unused = ". Your words were not posted" if request.POST.get("body", "").strip() else ""
        messages.info(request, f"Incident mode was left already, {at}{unused}: the page of the incident says how.")
        return redirect("incident", found.pk)
    form = LeaveForm(request.POST or None, initial={"body": first_words("resolved", "en")})
    if request.method == "POST" and form.is_valid():
        mode.leave(found, request.user, form.cleaned_data["body"])
        messages.success(request, "Incident mode was left.")
        newest = found.updates.first()
        return redirect("incident_reply", found.pk, newest.pk) if newest else redirect("incident", found.pk)
    context = {"incident": found, "form": form, **_in_force(found), **_others(found)}
    return render(request, "incidents/leave.html", context, status=400 if form.errors else 200)


@needs(Power.RUN_INCIDENTS)
@require_POST
def write_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Posts the write-up of an incident that was left; sending it to everybody linked is offered beside it."""
    found = _incident(pk)
    form = WriteUpForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=400)
    try:
        mode.write_up(found, form.cleaned_data["body"], request.user)
    except mode.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The write-up is on the status page.")
    return redirect("incident", found.pk)


@needs(Power.RUN_INCIDENTS)
def reply(request: HttpRequest, pk: int, update_pk: int) -> HttpResponse:
    """The confirmation of a bulk reply: how many hear what. A reply to a resolved incident solves its tickets."""
    found = _incident(pk)
    about = get_object_or_404(Update.objects.select_related("incident__problem"), pk=update_pk, incident=found)
    solves = about.status == Update.Status.RESOLVED
    answerable = broadcast.answerable(found.problem_id)
    languages = broadcast.languages_of(answerable)
    if request.method == "POST":
        form = ReplyForm(request.POST, languages=languages)
        if form.is_valid():
            values = form.cleaned_data
            made = broadcast.confirm(
                found,
                about,
                values["subject"],
                values["text"],
                by=request.user,
                key=values["key"],
                solves=solves,
                translations=form.translations(),
            )
            if solves and values["listeners"]:
                texted = listeners.tell(found.problem, about.about, request.user)
                messages.success(request, f"{texted} who only listened {'is' if texted == 1 else 'are'} told by text.")
            return redirect("broadcast", made.pk)
    else:
        offered = {
            "subject": found.problem.title,
            "text": reply_text(about.body, closing=solves),
            "key": secrets.token_urlsafe(32),
            **{f"text_{tag}": said for tag, said in _in_other_words(about, languages, solves).items()},
        }
        form = ReplyForm(initial=offered, languages=languages)
    people = broadcast.people_of(answerable, about.about)
    context = {"incident": found, "update": about, "form": form, "solves": solves, "people": people}
    if solves:
        context["listeners"], context["minutes"] = listeners.audience(found.problem, about.about)
    return render(request, "incidents/reply.html", context, status=400 if form.errors else 200)


@needs(Power.RUN_INCIDENTS)
@require_POST
def unlink_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Undoes one linking."""
    job = get_object_or_404(Job, pk=pk, kind=Job.Kind.LINK)
    linking.unlink_all(job, request.user)
    messages.success(request, "The tickets of this linking are being taken out of the incident.")
    return redirect("incident", job.incident_id)


def _incident(pk: int) -> Incident:
    return get_object_or_404(Incident.objects.select_related("problem", "surge", "entered_by", "left_by"), pk=pk)


def _in_other_words(about: Update, languages: Iterable[str], closing: bool) -> dict[str, str]:
    """The reply in the languages in which the update was given as a notice, or a closing has its own words."""
    notice = Notice.objects.filter(problem=about.incident.problem_id, about=about.about).first()
    said = dict(notice.text) if notice else {}
    if closing and about.body == first_words("resolved", settings.LANGUAGE_CODE):
        said |= {tag: first_words("resolved", tag) for tag in languages}
    return {tag: reply_text(said[tag], closing, tag) for tag in languages if said.get(tag)}


def _update_form(found: Incident, data: object = None) -> UpdateForm:
    notice = Notice.objects.filter(problem=found.problem_id).order_by("pk").first()
    languages = list(notice.text) if notice else []
    return UpdateForm(data, incident=found, languages=languages)


def _page(request: HttpRequest, found: Incident, form: UpdateForm | WriteUpForm, status: int = 200) -> HttpResponse:
    updates = list(found.updates.select_related("by"))
    context = {
        "incident": found,
        "form": form,
        "updates": updates,
        "figures": figures.of(found, updates) if found.left_at else [],
        "overdue": found.next_update_by is not None and found.next_update_by <= timezone.now(),
        **_going(found),
        **_may(request),
    }
    return render(request, "incidents/incident.html", context, status=status)


def _live(request: HttpRequest, found: Incident) -> HttpResponse:
    return render(request, "incidents/_going.html", {"incident": found, **_going(found), **_may(request)})


def _going(found: Incident) -> dict[str, object]:
    """What moves while people look on."""
    return {
        "linked": found.problem.tickets.count(),
        "open": found.problem.tickets.filter(state=Ticket.State.OPEN).count(),
        "listeners": listeners.count(found.problem),
        "jobs": found.jobs.exclude(kind=Job.Kind.BROADCAST).order_by("pk"),
        "undone": set(found.jobs.filter(kind=Job.Kind.UNLINK).values_list("query__job", flat=True)),
        "broadcasts": found.broadcasts.select_related("job", "by").order_by("-pk"),
        **_in_force(found),
    }


def _in_force(found: Incident) -> dict[str, object]:
    now = timezone.now()
    announcements = Announcement.objects.in_force(now).filter(problem=found.problem_id).select_related("line")
    shown = {
        notice.target: notice for notice in reversed(Notice.objects.in_force(now).filter(problem=found.problem_id))
    }
    return {"announcements": announcements, "notices": list(shown.values())}


def _others(found: Incident) -> dict[str, object]:
    on = Incident.objects.filter(left_at=None).exclude(pk=found.pk).select_related("problem")
    return {"others": list(on)}


def _may(request: HttpRequest) -> dict[str, bool]:
    return {"runs": Power.RUN_INCIDENTS in powers_of(request.user)}
