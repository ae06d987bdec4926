"""Shows what went to the mail folder, where that takes the place of a mail server."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tickets.mail import folder
from tickets.roles import Power, needs

PAGE = 50


@require_GET
@needs(Power.WORK_DESK)
def show(request: HttpRequest) -> HttpResponse:
    """The newest mails."""
    _only_with_a_folder()
    return render(request, "desk/mail_folder.html", {"mails": folder.newest(PAGE)})


@require_GET
@needs(Power.WORK_DESK)
def show_one(request: HttpRequest, name: str) -> HttpResponse:
    """One mail with its headers."""
    _only_with_a_folder()
    mail = folder.one(name)
    if mail is None:
        raise Http404
    return render(request, "desk/mail_folder_one.html", {"mail": mail})


def _only_with_a_folder() -> None:
    if settings.EMAIL_BACKEND != "tickets.mail.folder.EmailBackend":
        raise Http404("mail leaves by a server")
