"""Many unsigned webhooks in a minute alarm the managers, once an hour."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from tickets.models import Arrival, Outgoing
from triage import refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def manager(tmp_path, settings) -> None:
    settings.VAR = tmp_path
    user = User.objects.create_user("m", email="m@x.org")
    user.groups.add(Group.objects.get(name="manager"))


def forge(client, times: int) -> None:
    for _ in range(times):
        assert client.post("/voice/main/answer/", {"CallSid": "CA1"}).status_code == 403


def test_many_forged_calls_alarm_once_and_are_not_stored(client):
    forge(client, refused.MANY)
    assert refused.look() == ["voice"]
    assert refused.look() == []
    mail = Outgoing.objects.get()
    assert mail.to == "m@x.org"
    assert mail.subject == "20 webhooks refused at voice within 2 minutes"
    assert "TWILIO_AUTH_TOKENS" in mail.text
    assert not Arrival.objects.exists()


def test_it_alarms_again_after_an_hour(client):
    forge(client, refused.MANY)
    refused.look()
    assert refused.look(timezone.now() + refused.QUIET + timedelta(seconds=1)) == ["voice"]


def test_a_few_alarm_nobody(client):
    forge(client, refused.MANY - 1)
    assert refused.look() == []
