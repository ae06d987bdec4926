"""Addresses for signed-in people: callbacks, lines, the call simulator."""

from django.urls import URLPattern, URLResolver, path

from tickets.channels.api import endpoint
from voice import (
    api,
    desk,
    dial_in_page,
    downloads_page,
    line_page,
    lines_pages,
    preflight_page,
    supervision_page,
    texts_page,
)
from voice.simulator import page as simulator

urlpatterns: list[URLPattern | URLResolver] = [
    path("callbacks/", desk.callbacks, name="callbacks"),
    path("callbacks/next/", desk.next_callback, name="callback_next"),
    path("callbacks/manage/", supervision_page.manage, name="callbacks_manage"),
    path("callbacks/manage/act/", supervision_page.act, name="callbacks_manage_act"),
    path("callbacks/cancel/<int:pk>/", supervision_page.cancel, name="callbacks_cancel"),
    path("callbacks/my-phone/", desk.my_phone, name="callback_phone"),
    path("callbacks/<int:pk>/", desk.callback, name="callback"),
    path("callbacks/<int:pk>/reassign/", supervision_page.reassign, name="callback_reassign"),
    path("callbacks/<int:pk>/act/", desk.act, name="callback_act"),
    path("accounts/lines-by-phone/", dial_in_page.dial_in, name="dial_in"),
    path("accounts/lines-by-phone/remove/", dial_in_page.remove, name="dial_in_remove"),
    path("downloads/<int:pk>/again/", downloads_page.again, name="download_again"),
    path("texts/", texts_page.show, name="texts"),
    path("texts/act/", texts_page.act, name="texts_act"),
    path("lines/", lines_pages.lines, name="lines"),
    path("preflight/", preflight_page.show, name="preflight"),
    path("preflight/check/", preflight_page.check, name="preflight_check"),
    path("lines/announce/", lines_pages.announce, name="line_announce"),
    path("lines/end/", lines_pages.end, name="line_end"),
    path("lines/new/", line_page.new, name="line_new"),
    path("lines/<int:pk>/", line_page.line, name="line"),
    path("lines/<int:pk>/audio/", line_page.upload, name="line_audio"),
    path("lines/<int:pk>/audio/publish/", line_page.publish, name="line_audio_publish"),
    path("lines/<int:pk>/audio/remove/", line_page.remove, name="line_audio_remove"),
    path("api/v1/lines/", endpoint(api.Lines), name="api_lines"),
    path("api/v1/lines/announce/", endpoint(api.Announce), name="api_announce"),
    path("api/v1/audio/", endpoint(api.Audio), name="api_audio"),
    path("api/v1/lines/clear/", endpoint(api.Clear), name="api_clear"),
    path("simulator/", simulator.page, name="simulator"),
    path("simulator/act/", simulator.act, name="simulator_act"),
    path("simulator/callback/<int:pk>/", simulator.callback, name="simulator_callback"),
]
