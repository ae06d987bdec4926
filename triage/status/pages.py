"""The page where managers keep the parts of the product as the status page names them."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from tickets import audit
from tickets.roles import Power, needs
from triage.incidents.forms import ComponentForm
from triage.models import Component, Incident
from triage.status import export
from triage.status.components import all_operational, effective


@needs(Power.RUN_INCIDENTS)
def components(request: HttpRequest) -> HttpResponse:
    """All parts, each a form of its own, and one more to add."""
    parts = list(Component.objects.all())
    pressed = request.POST.get("component", "")
    forms = {
        part.pk: ComponentForm(_data(request, str(part.pk)), instance=part, prefix=f"c{part.pk}") for part in parts
    }
    new = ComponentForm(_data(request, "new"), prefix="new", initial={"position": len(parts) + 1})
    form = new if pressed == "new" else forms.get(int(pressed)) if pressed.isdecimal() else None
    if request.method == "POST" and form is not None and form.is_valid():
        _save(request, form)
        return redirect("components")
    going = list(Incident.objects.filter(left_at=None).select_related("problem").order_by("-pk"))
    status = effective(parts, going)
    labels = dict(Component.Status.choices)
    rows = [(part, forms[part.pk], labels[status[part.pk]] if status[part.pk] != part.status else "") for part in parts]
    context = {"rows": rows, "new": new, "ignored": going if all_operational(parts, going) else []}
    return render(request, "status/components.html", context, status=400 if form is not None and form.errors else 200)


def _data(request: HttpRequest, key: str) -> QueryDict | None:
    return request.POST if request.POST.get("component") == key else None


def _save(request: HttpRequest, form: ComponentForm) -> None:
    with transaction.atomic():
        part = form.save()
        audit.record(request.user, "component.save", part, status=part.status, was=form.initial.get("status", ""))
        export.refresh_after_commit()
