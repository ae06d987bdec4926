"""What every page shows: the organisation, the demo banner, the state bar."""

from django.conf import settings
from django.http import HttpRequest


def house(request: HttpRequest) -> dict[str, object]:
    """Template context of every page."""
    return {"organisation": settings.ORGANISATION, "demo": settings.DEMO}
