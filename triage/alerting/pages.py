"""Pages about alerts: who is told, what was told, and the button of whoever is on it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tickets.models import WorkState
from tickets.roles import Power, colleague, needs, public
from triage.alerting import acknowledging, deliveries, routes
from triage.alerting.forms import RouteForm
from triage.alerting.models import Alert, AlertDelivery, AlertRoute

# Alerts on one page, and deliveries that wait for a person.
PAGE, TROUBLE = 30, 50
DECISIONS = {"again": deliveries.send_again, "sent": deliveries.count_as_sent}
DECIDED = {"again": "It is told again.", "sent": "It counts as told."}


@needs(Power.RUN_INCIDENTS)
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Routes, what waits for a person, and the newest alerts with everybody who was told."""
    before = request.GET.get("before", "")
    rows = Alert.objects.select_related("acknowledged_by", "surge").order_by("-pk")
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before[:18]))
    told = AlertDelivery.objects.select_related("outgoing").order_by("what", "step", "pk")
    found = list(rows.prefetch_related(Prefetch("deliveries", told))[: PAGE + 1])
    unclear = AlertDelivery.objects.filter(state__in=[WorkState.FAILED, WorkState.UNCERTAIN])
    context = {
        "routes": list(AlertRoute.objects.all()),
        "environment": routes.of_environment(),
        "fallbacks": _fallbacks(),
        "minutes": settings.ALERT_SECOND_MINUTES,
        "trouble": unclear.select_related("alert").order_by("-pk")[:TROUBLE],
        "alerts": found[:PAGE],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "paged": bool(before),
    }
    return render(request, "alerts/alerts.html", context)


def _fallbacks() -> list[str]:
    """Levels that no route takes, so that each manager is told by mail."""
    known = routes.current()
    return [level.label for level in Alert.Level if routes.choose(known, level, routes.FIRST) == [routes.MANAGERS]]


@needs(Power.RUN_INCIDENTS)
@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever presses it is on it."""
    alert = get_object_or_404(Alert, pk=pk)
    first = acknowledging.acknowledge(alert, colleague(request))
    if getattr(request, "htmx", False):
        return render(request, "_state_bar.html")
    alert.refresh_from_db()
    messages.success(request, "You are on it: nobody else is told." if first else f"{_who(alert)} is on it already.")
    return redirect("surge", alert.surge_id) if alert.surge_id else redirect("alerts")


@never_cache
@public
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an alert's link: looking changes nothing, since scanners look; its button acknowledges."""
    try:
        row = acknowledging.delivery_of(token)
    except acknowledging.Unknown as error:
        raise Http404 from error
    except acknowledging.Expired:
        return render(request, "alerts/link.html", {"expired": True}, status=410)
    if request.method == "POST":
        acknowledging.acknowledge(row.alert, getattr(request, "user", None), row.name)
        return redirect("alert_link", token)
    return render(request, "alerts/link.html", {"alert": row.alert, "who": _who(row.alert), "to": row.name})


def _who(alert: Alert) -> str:
    by = alert.acknowledged_by
    return (by.get_full_name() or by.get_username()) if by else alert.acknowledged_as


@never_cache
@needs(Power.RUN_INCIDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def route(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A route's form."""
    found = get_object_or_404(AlertRoute, pk=pk) if pk else AlertRoute()
    stored = found.name
    form = RouteForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        routes.save(form.instance, form.cleaned_data["address"], colleague(request))
        messages.success(request, f"Saved: {form.instance.name}. Send a test to see whether it arrives.")
        return redirect("alert_route", form.instance.pk)
    context = {"form": form, "route": found if pk else None, "name": stored, "minutes": settings.ALERT_SECOND_MINUTES}
    return render(request, "alerts/route.html", context, status=422 if form.is_bound else 200)


@needs(Power.RUN_INCIDENTS)
@require_POST
def route_act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Tests a route, or takes it away."""
    found = get_object_or_404(AlertRoute, pk=pk)
    if verb == "test":
        _say_tested(request, found, routes.test(found, colleague(request)))
        return redirect("alert_route", pk)
    if verb != "delete":
        raise Http404
    routes.delete(found, colleague(request))
    messages.success(request, f"{found.name} is told no more.")
    return redirect("alerts")


def _say_tested(request: HttpRequest, found: AlertRoute, error: str) -> None:
    if error:
        messages.error(request, f"The test did not arrive. {error}")
    else:
        messages.success(request, "The test was taken." if found.url else "A test is on its way to your own address.")


@needs(Power.RUN_INCIDENTS)
@require_POST
def decide(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """A person decides about a delivery that failed, or of which nobody knows whether it arrived."""
    if verb not in DECISIONS:
        raise Http404
    if DECISIONS[verb](pk, colleague(request)):
        messages.success(request, DECIDED[verb])
    else:
        messages.warning(request, "Somebody has decided about it already.")
    return redirect("alerts")


def recent(most: int, surge: int | None = None) -> list[dict[str, Any]]:
    """The newest alerts, of one surge or of all, each with how many were told; one query."""
    rows = Alert.objects.select_related("acknowledged_by").order_by("-pk")
    if surge is not None:
        rows = rows.filter(surge=surge)
    told = Count("deliveries", filter=Q(deliveries__what=AlertDelivery.What.TELL))
    return [_line(alert, alert.told) for alert in rows.annotate(told=told)[:most]]


def _line(alert: Alert, people: int) -> dict[str, Any]:
    waits = alert.level == Alert.Level.PAGE and not alert.acknowledged_at and not alert.ended_at
    fresh = timezone.now() - alert.made_at < acknowledging.MATTERS
    return {"alert": alert, "people": people, "who": _who(alert), "waits": waits and fresh}
