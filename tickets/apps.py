"""Wires the package into Django: who reads which channel."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "tickets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models must be loaded before the readers can be.
        from tickets import intake, receiving, topics
        from tickets.channels import email_webhook, forms, mail_pipe, mailbox
        from tickets.models import Channel

        receiving.on_received(topics.mark)
        receiving.on_rewritten(topics.mark_again)
        intake.register_reader(Channel.MAIL_WEBHOOK, email_webhook.read_arrival)
        intake.register_reader(Channel.MAIL_PIPE, mail_pipe.read_arrival)
        intake.register_reader(Channel.MAILBOX, mailbox.read_arrival)
        intake.register_reader(Channel.WEB_FORM, forms.read_web_form)
        intake.register_reader(Channel.API, forms.read_api)
