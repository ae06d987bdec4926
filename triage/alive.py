"""Whether a process works, for load balancers and orchestrators. Front's answer never asks the database."""

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tickets import spool
from tickets.roles import public
from voice.plan import PLAN


@public
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process does its work, 503 when it cannot. Front does its work without a database."""
    facts: dict[str, object] = {"role": settings.ROLE, "plan": bool(PLAN.current()), "spooled": len(spool.waiting())}
    healthy = True
    if settings.ROLE != "front":
        facts["database"] = healthy = _database_answers()
    response = JsonResponse({"ok": healthy, **facts}, status=200 if healthy else 503)
    response["Cache-Control"] = "no-store"
    return response


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
