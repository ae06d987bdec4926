"""Front addresses of the status page."""

from django.urls import URLPattern, URLResolver, path

from triage.status import subscriptions, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("status/", views.page, name="status"),
    path("status/subscription/", subscriptions.ask, name="subscribe"),
    path("status/subscription/<str:token>/", subscriptions.confirm, name="subscription_confirm"),
    path("status/subscription/<str:token>/leave/", subscriptions.leave, name="subscription_leave"),
    path("status/<str:name>", views.part, name="status_part"),
]
