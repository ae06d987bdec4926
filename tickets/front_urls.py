"""Front addresses of tickets: inbound mail webhooks and the public form."""

from django.urls import URLPattern, URLResolver, path

from tickets.channels import email_webhook, web_form

urlpatterns: list[URLPattern | URLResolver] = [
    path("mail/in/<slug:provider>/", email_webhook.inbound, name="mail_inbound"),
    path("help/", web_form.help_form, name="help"),
    path("help/done/<str:reference>/", web_form.help_done, name="help_done"),
]
