"""Wires the package into Django: who reads calls and texts."""

from django.apps import AppConfig


class VoiceConfig(AppConfig):
    name = "voice"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models must be loaded before the readers can be.
        from tickets import intake
        from tickets.models import Channel
        from voice import reading, text_door

        intake.register_reader(Channel.CALL, reading.read_arrival)
        intake.register_reader(Channel.TEXT, text_door.read_arrival)
