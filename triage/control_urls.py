"""Addresses of the control room: surges, incidents, broadcasts."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
