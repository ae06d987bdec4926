"""Addresses of the control room: surges, incidents, broadcasts."""

from django.urls import URLPattern, URLResolver, path

from triage import state_bar

urlpatterns: list[URLPattern | URLResolver] = [
    path("state/", state_bar.bar, name="state"),
]
