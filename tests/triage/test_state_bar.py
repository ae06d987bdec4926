"""The state bar says what is on, since when and by whom, with few queries and links that may be followed."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.utils import timezone

from tickets.models import Problem, Requester, Ticket
from tickets.roles import ROLES
from triage.models import Incident, SeriesState, Surge
from triage.state_bar import state_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 10, 46, tzinfo=UTC)


def enter(title: str = "Logins fail", entered: datetime = NOW, **values) -> Incident:
    maya = User.objects.get_or_create(username="maya", defaults={"first_name": "Maya"})[0]
    problem = Problem.objects.create(title=title, opened_at=entered)
    return Incident.objects.create(problem=problem, started_at=entered, entered_at=entered, entered_by=maya, **values)


def test_nothing_is_said_in_quiet_times(django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        state = state_of(ROLES["manager"], NOW)
    assert state.kind == ""


def test_an_incident_is_named_with_who_entered_it_and_what_it_does(django_assert_num_queries):
    incident = enter()
    ann = Requester.objects.create(name="Ann")
    for _ in range(3):
        Ticket.objects.create(requester=ann, medium="email", problem=incident.problem, created_at=NOW)
    with django_assert_num_queries(3):
        state = state_of(ROLES["manager"], NOW)
    assert (state.kind, state.title, state.by, state.since) == ("incident", "Logins fail", "Maya", NOW)
    assert state.more == ["0 lines announcing", "3 tickets linked"]


@pytest.mark.parametrize(("minutes", "overdue"), [(1, False), (0, True), (-5, True)])
def test_a_promised_update_becomes_overdue(minutes, overdue):
    enter(next_update_by=NOW + timedelta(minutes=minutes))
    assert state_of(ROLES["agent"], NOW).overdue is overdue


def a_surge(**values) -> Surge:
    SeriesState.objects.get_or_create(series="all", ratio=94.4)
    facts = {"began_at": NOW, "detected_at": NOW, "peak_ratio": 107, "total": 1316, "senders": 870}
    return Surge.objects.create(series="all", **(facts | values))


def test_a_surge_is_told_while_no_incident_is_on(django_assert_max_num_queries):
    a_surge()
    with django_assert_max_num_queries(3):
        state = state_of(ROLES["manager"], NOW)
    assert (state.kind, state.title, state.since) == ("surge", "×94 usual volume", NOW)
    assert state.more == ["1,316 requests", "870 different people", "peak ×107"]
    assert state.action_label == "Enter incident mode…"
    assert state_of(ROLES["agent"], NOW).action_label == ""
    Surge.objects.update(senders=0)
    assert state_of(ROLES["manager"], NOW).more == ["1,316 requests", "peak ×107"]
    enter()
    assert state_of(ROLES["manager"], NOW).kind == "incident"


@pytest.mark.parametrize(
    ("ratio", "title"),
    [
        (94.4, "×94 usual volume"),
        (1.6, "×2 usual volume"),
        (1.2, "Surge (no more than usual just now)"),
        (0.0, "Surge (no more than usual just now)"),
    ],
)
def test_a_surge_that_ebbs_is_not_told_by_its_peak(ratio, title):
    a_surge()
    SeriesState.objects.update(ratio=ratio)
    assert state_of(ROLES["manager"], NOW).title == title


def test_a_surge_of_a_series_that_nothing_is_known_of_is_told_by_its_peak():
    a_surge()
    SeriesState.objects.all().delete()
    assert state_of(ROLES["manager"], NOW).title == "×107 usual volume"


@pytest.mark.parametrize("over", [{"ended_at": NOW}, {"dismissed_at": NOW}])
def test_a_surge_that_is_over_or_dismissed_is_not_told(over):
    a_surge(**over)
    assert state_of(ROLES["manager"], NOW).kind == ""


def test_two_incidents_are_both_told():
    enter("Old", NOW - timedelta(hours=1))
    enter("New")
    assert state_of(ROLES["agent"], NOW).title == "New and 1 more"


def test_an_incident_that_was_left_is_not_on():
    enter(left_at=NOW)
    assert state_of(ROLES["manager"], NOW).kind == ""


def test_only_managers_are_offered_the_action():
    enter()
    assert state_of(ROLES["agent"], NOW).action_label == ""
    assert state_of(ROLES["manager"], NOW).action_label == "Post update"


def test_the_bar_is_polled_by_people_who_signed_in_only(client):
    enter()
    assert client.get("/state/").status_code == 302
    user = User.objects.create_user("helper")
    user.groups.add(Group.objects.get(name="helper"))
    client.force_login(user)
    with time_machine.travel(timezone.now(), tick=False):
        response = client.get("/state/")
        again = client.get("/state/", headers={"If-None-Match": response["ETag"]})
    assert "Logins fail" in response.content.decode()
    assert again.status_code == 304


def test_of_several_incidents_the_button_leads_to_the_one_that_owes_an_update_next():
    enter("Quiet", NOW - timedelta(hours=2))
    owing = enter("Owing", NOW - timedelta(hours=1), next_update_by=NOW + timedelta(minutes=5))
    enter("Later", next_update_by=NOW + timedelta(minutes=30))
    state = state_of(ROLES["manager"], NOW)
    assert state.action == f"/incidents/{owing.pk}/#post"
    assert state.next == owing.next_update_by
