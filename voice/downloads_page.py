"""Asking once more for a file that could not be fetched from Twilio."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from tickets.roles import Power, needs
from voice import downloads
from voice.models import Download


@require_POST
@needs(Power.ANSWER_TICKETS)
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Queues it anew and goes back to the conversation that it belongs to."""
    found = get_object_or_404(Download.objects.select_related("entry"), pk=pk)
    if downloads.again(pk):
        messages.success(request, "The file is asked for once more.")
    else:
        messages.info(request, "The file is here already, or on its way.")
    return redirect("ticket", found.entry.ticket_id)
