"""Front addresses of voice: Twilio's webhooks for calls, statuses and texts."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
