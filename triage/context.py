"""What every page shows: the organisation, the demo banner, the state bar."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tickets.roles import powers_of
from triage.state_bar import Quiet, state_of


def house(request: HttpRequest) -> dict[str, object]:
    """Template context of every page. The state is asked for only by pages that show it, for people who signed in."""
    return {
        "organisation": settings.ORGANISATION,
        "demo": settings.DEMO,
        "state": SimpleLazyObject(lambda: _state(request)),
    }


def _state(request: HttpRequest) -> object:
    user = getattr(request, "user", None)
    powers = powers_of(user) if user is not None else frozenset()
    return state_of(powers) if powers else Quiet
