"""Front addresses of the status page."""

from django.urls import URLPattern, URLResolver, path

from triage.status import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("status/", views.page, name="status"),
    path("status/<str:name>", views.part, name="status_part"),
]
