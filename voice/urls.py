"""Addresses for signed-in people: callbacks, lines, the call simulator."""

from django.urls import URLPattern, URLResolver, path

from voice import desk, simulator

urlpatterns: list[URLPattern | URLResolver] = [
    path("callbacks/", desk.callbacks, name="callbacks"),
    path("callbacks/next/", desk.next_callback, name="callback_next"),
    path("callbacks/my-phone/", desk.my_phone, name="callback_phone"),
    path("callbacks/<int:pk>/", desk.callback, name="callback"),
    path("callbacks/<int:pk>/act/", desk.act, name="callback_act"),
    path("simulator/", simulator.page, name="simulator"),
    path("simulator/act/", simulator.act, name="simulator_act"),
]
