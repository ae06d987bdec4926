"""Addresses of the control room: surges, incidents, broadcasts."""

from django.urls import URLPattern, URLResolver, path

from triage import control, state_bar
from triage.alerting import pages as alert_pages
from triage.drill import page as drill_page
from triage.incidents import broadcast_pages, listeners_page, pages
from triage.status import pages as status_pages
from triage.surge import topics_page, verdict_pages
from triage.trail import page as trail_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("control/", control.room, name="control"),
    path("surges/<int:pk>/", control.surge, name="surge"),
    path("surges/<int:pk>/<str:verb>/", verdict_pages.decide, name="surge_decide"),
    path("surges/declare/", verdict_pages.declare, name="surge_declare"),
    path("control/alerts/", alert_pages.show, name="alerts"),
    path("control/alerts/<int:pk>/acknowledge/", alert_pages.acknowledge, name="alert_acknowledge"),
    path("control/alerts/routes/new/", alert_pages.route, name="alert_route_new"),
    path("control/alerts/routes/<int:pk>/", alert_pages.route, name="alert_route"),
    path("control/alerts/routes/<int:pk>/<str:verb>/", alert_pages.route_act, name="alert_route_act"),
    path("control/alerts/deliveries/<int:pk>/<str:verb>/", alert_pages.decide, name="alert_decide"),
    path("alerts/<str:token>/", alert_pages.link, name="alert_link"),
    path("topics/", topics_page.page, name="topics"),
    path("topics/progress/", topics_page.progress, name="topics_progress"),
    path("topics/<int:pk>/<str:verb>/", topics_page.act, name="topic_act"),
    path("state/", state_bar.bar, name="state"),
    path("incidents/", pages.incidents, name="incidents"),
    path("incidents/enter/", pages.enter, name="incident_enter"),
    path("incidents/preview/<str:token>/", pages.preview, name="incident_preview"),
    path("incidents/<int:pk>/", pages.incident, name="incident"),
    path("incidents/<int:pk>/update/", pages.update, name="incident_update"),
    path("incidents/<int:pk>/listeners/", listeners_page.only_listened, name="incident_listeners"),
    path("incidents/<int:pk>/leave/", pages.leave, name="incident_leave"),
    path("incidents/<int:pk>/write-up/", pages.write_up, name="incident_write_up"),
    path("incidents/<int:pk>/reply/<int:update_pk>/", pages.reply, name="incident_reply"),
    path("incidents/linkings/<int:pk>/undo/", pages.unlink_job, name="incident_unlink_job"),
    path("broadcasts/<int:pk>/", broadcast_pages.broadcast, name="broadcast"),
    path("broadcasts/<int:pk>/<str:verb>/", broadcast_pages.act, name="broadcast_act"),
    path("drill/", drill_page.drill, name="drill"),
    path("audit/", trail_page.show, name="audit"),
    path("components/", status_pages.components, name="components"),
]
