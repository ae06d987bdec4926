"""The figures that a write-up is written from, reckoned by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from triage.incidents import figures, mode
from triage.models import Incident, Surge, Update
from voice.models import Callback

BEGAN = datetime(2026, 11, 23, 9, 42, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def left(asked, maya) -> Incident:
    """Affected at 09:42, entered at 09:51, three updates, resolved at 12:42, and a write-up days later."""
    made = mode.enter(mode.preview(asked(started_at=BEGAN), maya).token, maya)
    mode.leave(made, maya, "It works again.")
    made.updates.all().delete()
    for status, after in (("investigating", 9), ("identified", 69), ("resolved", 180), ("postmortem", 9000)):
        Update.objects.create(incident=made, status=status, body="News.", at=BEGAN + after * MINUTE)
    Incident.objects.filter(pk=made.pk).update(entered_at=BEGAN + 9 * MINUTE, left_at=BEGAN + 200 * MINUTE)
    return Incident.objects.get(pk=made.pk)


def said(incident: Incident) -> dict[str, str]:
    return {name: words.replace("\xa0", " ") for name, words in figures.of(incident, list(incident.updates.all()))}


def test_what_is_known_is_told_and_what_is_not_is_left_out(left):
    assert said(left) == {
        "Affected": "23 November 2026, 09:42 UTC to 12:42 UTC: 3 hours",
        "Incident mode entered": "09:51 UTC, 9 minutes after customers were affected",
        "Public updates": "3, at most 1 hour, 51 minutes apart",
    }


def test_seconds_and_another_day_are_told_as_people_read_them(left):
    Incident.objects.filter(pk=left.pk).update(started_at=BEGAN - timedelta(seconds=41))
    left.updates.filter(status="resolved").update(at=BEGAN + timedelta(days=1, seconds=59))
    left.refresh_from_db()
    told = said(left)
    assert told["Affected"] == "23 November 2026, 09:41 UTC to 24 November 2026, 09:42 UTC: 1 day"
    left.updates.filter(status="investigating").delete()
    left.updates.filter(status="identified").update(at=BEGAN + timedelta(days=1, seconds=50))
    assert said(left)["Public updates"] == "2"
    left.updates.exclude(status="resolved").delete()
    assert said(left)["Public updates"] == "1"


def test_the_surge_that_was_on_is_the_one_that_somebody_was_paged_for(left):
    known = {"series": "all", "ended_at": BEGAN + 200 * MINUTE, "expected": 41.6, "total": 1200, "senders": 1143}
    Surge.objects.create(began_at=BEGAN, detected_at=BEGAN - MINUTE, level="notice", **known)
    Surge.objects.create(began_at=BEGAN, detected_at=BEGAN - MINUTE, dismissed_at=BEGAN, **known)
    Surge.objects.create(began_at=BEGAN + 300 * MINUTE, detected_at=BEGAN + 301 * MINUTE, **known)
    Surge.objects.create(began_at=BEGAN, detected_at=BEGAN + 3 * MINUTE, peak_ratio=11.2, **known)
    told = said(left)
    assert told["Surge noticed"] == "09:45 UTC, 3 minutes after customers were affected"
    assert told["In the surge"] == "1,200 requests from 1,143 people, where 42 are usual; at its peak ×11"


def test_callbacks_are_told_where_anybody_asked_for_one(left, write):
    ticket = write("")
    for number, state in enumerate(("done", "done", "due", "gave_up")):
        Callback.objects.create(
            number=f"+1201555010{number}", requester=ticket.requester, ticket=ticket, problem=left.problem,
            state=state, due_at=BEGAN, requested_at=BEGAN,
        )  # fmt: skip
    assert said(left)["Callbacks"] == "4 asked for, 2 returned, 1 still open"


def test_the_page_of_an_incident_that_was_left_shows_them_at_a_constant_cost(client, maya, left):
    client.force_login(maya)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            page = client.get(reverse("incident", args=[left.pk])).content.decode().replace("\xa0", " ")
        assert "at most 1 hour, 51 minutes apart" in page
        return len(seen)

    queries()
    few = queries()
    for _ in range(20):
        Update.objects.create(incident=left, status="identified", body="News.", at=BEGAN + 69 * MINUTE)
    assert queries() == few
