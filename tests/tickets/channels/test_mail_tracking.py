"""Providers' status webhooks mark rows, and only those who know the secret are heard."""

import base64
import json

import pytest

from tests.tickets.test_outbox import bulk
from tickets.models import Identity, Outgoing

pytestmark = pytest.mark.django_db
SECRET = "hook:a-long-secret"


@pytest.fixture
def row(open_ticket, settings):
    settings.MAIL_PROVIDER, settings.MAIL_WEBHOOK_SECRETS = "postmark", ["old:gone", SECRET]
    settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": settings.MAIL_WEBHOOK_SECRETS}
    made = bulk(open_ticket())
    Outgoing.objects.filter(pk=made.pk).update(state="sent", provider_id="00000000-1111")
    return made


def tell(client, event, secret=SECRET, provider="postmark"):
    basic = {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()} if secret else {}
    body = event if isinstance(event, str) else json.dumps({"MessageID": "00000000-1111", **event})
    return client.post(f"/mail/tracking/{provider}/", body, content_type="application/json", headers=basic)


DELIVERY = {"RecordType": "Delivery", "Recipient": "jo@example.org", "DeliveredAt": "2026-03-01T12:00:00Z"}
BOUNCE = {"RecordType": "Bounce", "Type": "HardBounce", "Email": "jo@example.org", "Description": "no such user"}
COMPLAINT = {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": "jo@example.org"}


def test_a_delivery_marks_the_row_and_settles_an_uncertain_one(client, row):
    Outgoing.objects.update(state="uncertain")
    assert tell(client, DELIVERY).status_code == 200
    row.refresh_from_db()
    assert (row.state, row.delivered_at.isoformat()) == ("sent", "2026-03-01T12:00:00+00:00")


def test_a_bounce_makes_the_failure_visible(client, row):
    tell(client, BOUNCE)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "bounced" in row.error
    assert row.bounced_at is not None


def test_who_complains_gets_no_more_mail(client, row):
    tell(client, COMPLAINT)
    assert Identity.objects.get().suppressed_why == "complained about mail"


@pytest.mark.parametrize("secret", ["", "hook:wrong", "hook"])
def test_without_the_secret_nothing_is_marked(client, row, secret):
    assert tell(client, BOUNCE, secret).status_code == 403
    row.refresh_from_db()
    assert row.state == "sent"


def test_with_no_secret_set_nobody_is_heard(client, row, settings):
    settings.MAIL_WEBHOOK_SECRETS = []
    assert tell(client, BOUNCE, "").status_code == 403
    assert tell(client, BOUNCE, ":").status_code == 403


def test_malformed_and_foreign_events_harm_nobody(client, row):
    assert tell(client, "{not json").status_code == 400
    assert tell(client, "[]").status_code == 400
    assert tell(client, {**BOUNCE, "MessageID": "somebody-else"}).status_code == 200
    assert tell(client, BOUNCE, provider="mailgun").status_code == 404
    row.refresh_from_db()
    assert row.state == "sent"
