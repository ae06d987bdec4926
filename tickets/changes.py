"""Change counters that pages poll against: 304 while nothing has changed, so that polling stays cheap."""

import hashlib
import time
from collections.abc import Callable
from functools import partial

from django.db import DatabaseError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from tickets.models import Change

# Seconds after which a page is rendered anew even if no counter moved (relative times, a lost bump).
FLOOR = 30


def bump(*topics: str) -> None:
    """After commit, moves the counters in a transaction of their own, so that writers never queue for them."""
    transaction.on_commit(partial(_bump, topics), robust=True)


def _bump(topics: tuple[str, ...]) -> None:
    try:
        for topic in topics:
            if not Change.objects.filter(topic=topic).update(value=F("value") + 1):
                Change.objects.get_or_create(topic=topic, defaults={"value": 1})
    except DatabaseError:
        # A lost bump delays a page by FLOOR seconds at the most.
        return


def etag(request: HttpRequest, *topics: str) -> str:
    """The state of the topics for this person, address and half minute."""
    values = sorted(Change.objects.filter(topic__in=topics).values_list("topic", "value"))
    who = getattr(getattr(request, "user", None), "pk", None)
    basis = repr((values, who, request.get_full_path(), int(time.time()) // FLOOR))
    return f'"{hashlib.sha256(basis.encode()).hexdigest()[:24]}"'


def poll(request: HttpRequest, topics: list[str], render: Callable[[], HttpResponse]) -> HttpResponse:
    """Answers 304 without rendering when the browser's copy (If-None-Match) is current."""
    tag = etag(request, *topics)
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    response = render()
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response
