"""Addresses of the front door: telephone, inbound mail, the public form, the status page. No session, no sign-in."""

from django.urls import URLPattern, URLResolver, include, path

from triage import alive

urlpatterns: list[URLPattern | URLResolver] = [
    # Calls first: most of a surge, and addresses are tried in this order.
    path("", include("voice.front_urls")),
    path("", include("tickets.front_urls")),
    path("", include("triage.status.urls")),
    path("healthz", alive.healthz, name="healthz"),
]

handler400 = "triage.error_pages.bad_request"
handler403 = "triage.error_pages.not_allowed"
handler404 = "triage.error_pages.not_found"
handler500 = "triage.error_pages.failed"
