"""Addresses for signed-in people: callbacks, lines, the call simulator."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
