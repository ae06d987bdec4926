"""Addresses of the desk: everything for people who sign in, the API, and all that front serves."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("triage.front_urls")),
    path("accounts/", include("allauth.urls")),
    # Before those of tickets, which end with what there is not below /api/.
    path("", include("voice.urls")),
    path("", include("tickets.urls")),
    path("", include("triage.control_urls")),
]
