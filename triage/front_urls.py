"""Addresses of the front door: telephone, inbound mail, the public form, the status page. No session, no sign-in."""
from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
