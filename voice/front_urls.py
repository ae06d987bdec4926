"""Front addresses of voice: Twilio's webhooks for calls, statuses and texts."""

from django.urls import URLPattern, URLResolver, path

from voice import calls, dial_in_calls, legs, screening_calls, text_door

_PLACE = "<str:language>/<int:attempt>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("voice/audio/<str:digest>/", calls.audio, name="voice_audio"),
    path("voice/callback/<int:pk>/<int:attempt>/<slug:line>/<slug:number>/<slug:step>/", legs.leg, name="callback_leg"),
    path("voice/self-test/", calls.self_test, name="voice_self_test"),
    path("voice/text/", text_door.incoming, name="text"),
    path("voice/text/<int:pk>/status/", text_door.status, name="text_status"),
    path("voice/<slug:line>/answer/", calls.answer, name="voice_answer"),
    path("voice/<slug:line>/status/", calls.status, name="voice_status"),
    path(f"voice/<slug:line>/menu/<slug:kind>/{_PLACE}", calls.step, {"name": "menu"}, name="voice_menu"),
    path(f"voice/<slug:line>/number/{_PLACE}", calls.step, {"name": "number"}, name="voice_number"),
    path(f"voice/<slug:line>/confirm/<slug:number>/{_PLACE}", calls.step, {"name": "confirm"}, name="voice_confirm"),
    path(f"voice/<slug:line>/dialled/{_PLACE}", calls.step, {"name": "dialled"}, name="voice_dialled"),
    path("voice/<slug:line>/screen/", screening_calls.screen, name="voice_screen"),
    path("voice/<slug:line>/screen/key/", screening_calls.key, name="voice_screen_key"),
    path(f"voice/<slug:line>/dial-in/pin/{_PLACE}", dial_in_calls.pin, name="dial_in_pin"),
    path(f"voice/<slug:line>/dial-in/<slug:name>/<str:held>/{_PLACE}", dial_in_calls.step, name="dial_in_step"),
    path(f"voice/<slug:line>/recording/{_PLACE}", calls.step, {"name": "recording"}, name="voice_recording"),
]
