"""What tests of alerting share: a service that takes alerts, and routes to it."""

from collections.abc import Callable, Iterator

import pytest

from tests.triage.alerting.receiver import Receiver, receiving
from triage.models import AlertRoute


@pytest.fixture
def service() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def route(db, service: Receiver) -> Callable[..., AlertRoute]:
    """Makes a route to the service, or to `url`."""

    def make(name: str = "Operations", **values) -> AlertRoute:
        return AlertRoute.objects.create(name=name, **{"url": service.url(name.replace(" ", "-")), **values})

    return make
