"""Addresses of the desk, of people, and of the API."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from tickets.channels import api
from tickets.desk import mail_folder_page, outbox_page
from tickets.roles import public

urlpatterns: list[URLPattern | URLResolver] = [
    path("outbox/", outbox_page.show, name="outbox"),
    path("outbox/act/", outbox_page.act, name="outbox_act"),
    path("mail-folder/", mail_folder_page.show, name="mail_folder"),
    path("mail-folder/<str:name>/", mail_folder_page.show_one, name="mail_folder_one"),
    path("api/v1/tickets/", api.endpoint(api.Tickets), name="api_tickets"),
    path("api/v1/tickets/<int:pk>/", api.endpoint(api.OneTicket), name="api_ticket"),
    path(
        "api/v1/schema/",
        public(SpectacularAPIView.as_view(permission_classes=[AllowAny], authentication_classes=[])),
        name="api_schema",
    ),
]
