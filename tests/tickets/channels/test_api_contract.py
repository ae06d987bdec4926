"""Whatever is thrown at the API, it answers as its schema says, and never with a fault of ours."""

import json

import pytest
import schemathesis
from django.contrib.auth.models import Group, User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.promised import promised
from tickets.channels.api_access import digest_of
from tickets.models import ApiToken
from voice.models import Line

pytestmark = pytest.mark.django_db
TOKEN = "a token for tests"


@pytest.fixture
def schema(settings):
    settings.ALLOWED_HOSTS = ["*"]
    user = User.objects.create_user("ada", "ada@acme.example")
    user.groups.add(Group.objects.get(name="manager"))
    Line.objects.create(key="main", name="Support", number="+12025550199", languages=["en"], group="Europe")
    ApiToken.objects.create(name="fuzz", digest=digest_of(TOKEN.encode()), user=user)
    # As Django's own test client does: the test's connection outlives its requests.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/tickets/", "POST"),
        ("/api/v1/tickets/{id}/", "GET"),
        ("/api/v1/lines/", "GET"),
        ("/api/v1/lines/announce/", "POST"),
        ("/api/v1/lines/clear/", "POST"),
        ("/api/v1/audio/", "POST"),
    ],
)
def test_every_answer_follows_the_schema(schema, path, method):
    operation = schema[path][method]

    @given(case=operation.as_strategy())
    @hypothesis_settings(
        max_examples=promised(40, 15), deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def throw(case):
        response = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        case.validate_response(
            response, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
        )

    throw()


def test_the_schema_names_the_token(schema):
    assert json.loads(json.dumps(schema.raw_schema))["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
