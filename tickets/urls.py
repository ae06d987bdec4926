"""Addresses of the desk, of people, and of the API."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from tickets.channels import api, mail_tracking
from tickets.desk import (
    bulk_page,
    files,
    mail_folder_page,
    outbox_page,
    people_page,
    queue_page,
    search_page,
    ticket_page,
)
from tickets.roles import public

urlpatterns: list[URLPattern | URLResolver] = [
    path("", queue_page.home, name="home"),
    path("desk/", queue_page.show, name="queue"),
    path("desk/news/", queue_page.news, name="queue_news"),
    path("desk/next/", queue_page.take, name="take_next"),
    path("desk/bulk/", bulk_page.look, name="bulk"),
    path("desk/bulk/do/", bulk_page.do, name="bulk_do"),
    path("desk/undo/", ticket_page.take_back, name="undo"),
    path("tickets/<int:pk>/", ticket_page.show, name="ticket"),
    path("tickets/<int:pk>/live/", ticket_page.live, name="ticket_live"),
    path("tickets/<int:pk>/reply/", ticket_page.reply, name="ticket_reply"),
    path("tickets/<int:pk>/note/", ticket_page.note, name="ticket_note"),
    path("tickets/<int:pk>/act/", ticket_page.act, name="ticket_act"),
    path("tickets/<int:pk>/link/", ticket_page.link, name="ticket_link"),
    path("replies/<int:pk>/decide/", ticket_page.resend, name="reply_decide"),
    path("attachments/<int:pk>/", files.attachment, name="attachment"),
    path("entries/<int:pk>/original/", files.original, name="original"),
    path("entries/<int:pk>/formatted/", files.formatted, name="formatted"),
    path("entries/<int:pk>/read-again/", ticket_page.read_again, name="read_again"),
    path("search/", search_page.show, name="search"),
    path("people/", people_page.show, name="people"),
    path("people/<int:pk>/", people_page.change, name="person"),
    path("helpers/", people_page.invite, name="invitations"),
    path("helpers/<int:pk>/withdraw/", people_page.withdraw, name="invitation_withdraw"),
    path("invite/<str:token>/", people_page.accept, name="invite"),
    path("outbox/", outbox_page.show, name="outbox"),
    path("outbox/act/", outbox_page.act, name="outbox_act"),
    path("mail-folder/", mail_folder_page.show, name="mail_folder"),
    path("mail-folder/<str:name>/", mail_folder_page.show_one, name="mail_folder_one"),
    # On the desk and not on front: it marks rows, and a provider tries again while the database is away.
    path("mail/tracking/<str:provider>/", mail_tracking.webhook, name="mail_tracking"),
    path("api/v1/tickets/", api.endpoint(api.Tickets), name="api_tickets"),
    path("api/v1/tickets/<int:pk>/", api.endpoint(api.OneTicket), name="api_ticket"),
    path(
        "api/v1/schema/",
        public(SpectacularAPIView.as_view(permission_classes=[AllowAny], authentication_classes=[])),
        name="api_schema",
    ),
    path("api/<path:rest>", public(api.NoSuchAddress.as_view()), name="api_nothing"),
]
