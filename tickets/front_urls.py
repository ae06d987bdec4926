"""Front addresses of tickets: inbound mail webhooks and the public form."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
