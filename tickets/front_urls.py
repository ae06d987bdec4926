"""Front addresses of tickets: inbound mail webhooks, the public form, and the door at which we knock ourselves."""

from django.urls import URLPattern, URLResolver, path

from tickets.channels import email_webhook, front_door, web_form

urlpatterns: list[URLPattern | URLResolver] = [
    path("mail/in/<slug:provider>/", email_webhook.inbound, name="mail_inbound"),
    path("heartbeat/<str:asked>/", front_door.answer, name="heartbeat"),
    path("help/", web_form.help_form, name="help"),
    path("help/done/<str:reference>/", web_form.help_done, name="help_done"),
]
