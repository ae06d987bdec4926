"""A ticket's page: the conversation live, answering, notes, and what else agents do with it."""

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from tickets import audit, changes, intake, outbox
from tickets.desk import acts, conversation, presence, undoing
from tickets.models import Entry, Identity, Outgoing, Problem, Ticket
from tickets.roles import Power, needs

_IDENTITIES = Prefetch("requester__identities", Identity.objects.order_by("kind", "pk"))


def _ticket(pk: int) -> Ticket:
    return get_object_or_404(Ticket.objects.select_related("requester", "assignee", "problem", "merged_into"), pk=pk)


def _page(request: HttpRequest, ticket: Ticket, status: int = 200, **more: Any) -> HttpResponse:
    prefetch_related_objects([ticket], _IDENTITIES)
    shown = conversation.of(ticket, all_of_it=bool(request.GET.get("all")))
    others = Ticket.objects.filter(requester=ticket.requester_id).exclude(pk=ticket.pk).order_by("-pk")
    context = {
        "ticket": ticket,
        "conversation": shown,
        "others_here": presence.others(ticket.pk, request.user),
        "reachable": any(one.kind == Identity.Kind.EMAIL for one in ticket.requester.identities.all()),
        "others": others[:6],
        "problems": Problem.objects.filter(open=True).order_by("-opened_at")[:50],
        **more,
    }
    return render(request, "desk/ticket.html", context, status=status)


@require_GET
@needs(Power.ANSWER_TICKETS)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The ticket's page; a merged ticket's leads to where it went."""
    ticket = _ticket(pk)
    return redirect("ticket", ticket.merged_into_id) if ticket.merged_into_id else _page(request, ticket)


@require_GET
@needs(Power.ANSWER_TICKETS)
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The conversation and the facts beside it, while the page is open."""

    def fragment() -> HttpResponse:
        ticket = _ticket(pk)
        shown = conversation.of(ticket, all_of_it=bool(request.GET.get("all")))
        here = presence.others(pk, request.user)
        context = {"ticket": ticket, "conversation": shown, "others_here": here, "live": True}
        return render(request, "desk/_conversation.html", context)

    if presence.arrive(pk, request.user):
        changes.bump(f"ticket:{pk}")
    return changes.poll(request, [f"ticket:{pk}", "outbox"], fragment)


@require_POST
@needs(Power.ANSWER_TICKETS)
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Queues an answer; a draft with a mistake comes back with the mistake named and the text kept."""
    ticket, text = _ticket(pk), request.POST.get("text", "")
    seen, solve = request.POST.get("seen", ""), bool(request.POST.get("solve"))
    fault = conversation.fault_of(text)
    if not fault:
        try:
            conversation.reply(ticket, request.user, text, solve=solve, seen=int(seen) if seen.isdecimal() else 0)
        except conversation.Overtaken as error:
            author, name = error.entry.author, error.entry.sender_name or "The customer"
            who = (author.get_full_name() or author.get_username()) if author else name
            fault = f"{who} wrote meanwhile: read it above. Your text is kept; send it again if it still fits."
        except outbox.NoAddress:
            fault = "This customer has no email address that we know of. Call them back, or add a note."
    if fault:
        return _page(request, ticket, status=422, draft=text, draft_error=fault)
    messages.success(request, f"Reply to #{pk} queued{' and the ticket solved' if solve else ''}.")
    return redirect("queue") if solve else redirect("ticket", pk)


@require_POST
@needs(Power.ANSWER_TICKETS)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds an internal note."""
    ticket, text = _ticket(pk), request.POST.get("text", "")
    if fault := conversation.fault_of(text):
        return _page(request, ticket, status=422, note=text, note_error=fault)
    conversation.note(ticket, request.user, text)
    return redirect("ticket", pk)


@require_POST
@needs(Power.ANSWER_TICKETS)
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes, releases, solves or reopens one ticket."""
    _ticket(pk)
    wanted = request.POST.get("act", "")
    if wanted == "reopen":
        acts.reopen([pk], request.user)
    elif wanted == "solve":
        undoing.offer(request, acts.solve([pk], request.user))
    elif wanted in ("take", "release"):
        undoing.offer(request, acts.assign([pk], request.user if wanted == "take" else None, request.user))
    return redirect("ticket", pk)


@require_POST
@needs(Power.WORK_DESK)
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Links a ticket to a problem, or unlinks it."""
    _ticket(pk)
    chosen = request.POST.get("problem", "")
    problem = get_object_or_404(Problem, pk=chosen) if chosen.isdecimal() else None
    undoing.offer(request, acts.link([pk], problem, request.user))
    return redirect("ticket", pk)


@require_POST
@needs(Power.ANSWER_TICKETS)
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Decides about a reply that failed, or that nobody knows the fate of: it leaves again, or counts as sent."""
    row = get_object_or_404(Outgoing.objects.filter(kind=Outgoing.Kind.REPLY, ticket__isnull=False), pk=pk)
    decide = outbox.count_as_sent if request.POST.get("sent") else outbox.send_again
    if not decide(row.pk, request.user):  # type: ignore[arg-type]
        messages.info(request, "That reply is no longer waiting for a decision.")
    changes.bump(f"ticket:{row.ticket_id}")
    return redirect("ticket", row.ticket_id)


@require_POST
@needs(Power.ANSWER_TICKETS)
def take_back(request: HttpRequest) -> HttpResponse:
    """Undoes the last act of this session."""
    done = undoing.take(request, request.POST.get("token", ""))
    if done is None:
        messages.info(request, "There is nothing to undo any more.")
    else:
        restored = acts.undo(done, request.user)
        messages.success(request, f"Undone on {restored} ticket{'' if restored == 1 else 's'}.")
    if done is not None and len(done["before"]) == 1:
        return redirect("ticket", next(iter(done["before"])))
    return redirect("queue")


@require_POST
@needs(Power.ANSWER_TICKETS)
def read_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Reads a message anew from its original: an upgrade may understand what an older version did not."""
    entry = get_object_or_404(Entry.objects.filter(arrival__isnull=False), pk=pk)
    try:
        intake.read_again(entry)
    except intake.StillUnreadable as error:
        messages.error(request, f"It still cannot be read ({error}). Nothing was changed; the original is attached.")
    else:
        audit.record(request.user, "entry.read_again", entry.pk)
        messages.success(request, "Read again from its original.")
    return redirect("ticket", entry.ticket_id)
