"""What every page shows: the organisation, the demo banner, the state bar, the page nobody answered."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tickets.roles import Power, powers_of
from triage.alerting import acknowledging
from triage.state_bar import Quiet, state_of


def house(request: HttpRequest) -> dict[str, object]:
    """Template context of every page. The state is asked for only by pages that show it, for people who signed in."""
    return {
        "organisation": settings.ORGANISATION,
        "demo": settings.DEMO,
        "state": SimpleLazyObject(lambda: _state(request)),
        "unanswered": SimpleLazyObject(lambda: _unanswered(request)),
    }


def _state(request: HttpRequest) -> object:
    user = getattr(request, "user", None)
    powers = powers_of(user) if user is not None else frozenset()
    return state_of(powers) if powers else Quiet


def _unanswered(request: HttpRequest) -> object:
    """The page that waits for somebody to be on it, for those who may be."""
    user = getattr(request, "user", None)
    return acknowledging.unanswered() if user is not None and Power.RUN_INCIDENTS in powers_of(user) else None
