"""Addresses for signed-in people: callbacks, lines, the call simulator."""

from django.urls import URLPattern, URLResolver, path

from voice import desk, simulator, texts_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("callbacks/", desk.callbacks, name="callbacks"),
    path("callbacks/next/", desk.next_callback, name="callback_next"),
    path("callbacks/my-phone/", desk.my_phone, name="callback_phone"),
    path("callbacks/<int:pk>/", desk.callback, name="callback"),
    path("callbacks/<int:pk>/act/", desk.act, name="callback_act"),
    path("texts/", texts_page.show, name="texts"),
    path("texts/act/", texts_page.act, name="texts_act"),
    path("simulator/", simulator.page, name="simulator"),
    path("simulator/act/", simulator.act, name="simulator_act"),
]
