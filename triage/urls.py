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

handler400 = "triage.error_pages.bad_request"
handler403 = "triage.error_pages.not_allowed"
handler404 = "triage.error_pages.not_found"
handler500 = "triage.error_pages.failed"
