"""Wires the package into Django: what triage does with what is received."""

from django.apps import AppConfig


class TriageConfig(AppConfig):
    name = "triage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models must be loaded before those who use them can be.
        from tickets import intake
        from tickets.models import Channel
        from triage import checks  # noqa: F401  registers itself
        from triage.incidents import linking
        from triage.status import subscribers

        intake.on_received(linking.link_received)
        intake.register_reader(Channel.SUBSCRIPTION, subscribers.read_arrival)
