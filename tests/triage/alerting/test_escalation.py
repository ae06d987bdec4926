"""The second in line is told when nobody answers, once, and not when somebody does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.house import person
from tickets.models import Outgoing
from triage import alerts
from triage.alerting import acknowledging, deliveries, escalation
from triage.alerting.escalation import Standing, escalates
from triage.models import Alert, AlertDelivery

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE = 5 * MINUTE


@pytest.mark.parametrize(
    ("minutes", "values", "told"),
    [
        (1, {"outcomes": ["sent"]}, False),
        (4.9, {"outcomes": ["sent"]}, False),
        (5, {"outcomes": ["sent"]}, True),
        (60, {"outcomes": ["sent"]}, True),
        (60, {"outcomes": ["sent"], "acknowledged": True}, False),
        (60, {"outcomes": ["sent"], "ended": True}, False),
        (60, {"outcomes": ["sent"], "escalated": True}, False),
        (13 * 60, {"outcomes": ["sent"]}, False),
        # It reached nobody: no reason to wait.
        (0, {"outcomes": ["failed"]}, True),
        (0, {"outcomes": ["failed", "uncertain", "suppressed"]}, True),
        (0, {"outcomes": []}, True),
        (0, {"outcomes": ["failed", "sent"]}, False),
        (0, {"outcomes": ["failed", "queued"]}, False),
        (0, {"outcomes": ["sending"]}, False),
        (0, {"outcomes": ["failed"], "acknowledged": True}, False),
    ],
)
def test_when_the_second_in_line_is_told(minutes, values, told):
    assert escalates(Standing(NOW - minutes * MINUTE, **values), NOW, FIVE) is told


def made(ago: float = 0, **values) -> Alert:
    alerts.notify("k", "Surge", "Look.", **values)
    Alert.objects.update(made_at=timezone.now() - ago * MINUTE)
    return Alert.objects.get()


def second() -> list[str]:
    return list(AlertDelivery.objects.filter(step=2).order_by("pk").values_list("name", flat=True))


def test_nobody_answers_and_the_second_in_line_is_told_once(route, settings):
    route(), route("Boss", step=2)
    AlertDelivery.objects.filter(pk=made(4).pk)
    AlertDelivery.objects.update(state="sent")
    assert escalation.look() == 0
    settings.ALERT_SECOND_MINUTES = 3
    assert escalation.look() == 1
    assert escalation.look() == 0
    assert second() == ["Boss"]


def test_two_watches_that_look_at_once_tell_it_once(route):
    route(), route("Boss", step=2)
    alert = made(6)
    stale = Alert.objects.get()
    assert escalation._escalate(alert, timezone.now())
    assert not escalation._escalate(stale, timezone.now())
    assert second() == ["Boss"]


def test_an_answer_or_an_end_or_a_notice_escalates_nothing(route):
    route(), route("Boss", step=2)
    alert = made(6)
    acknowledging.acknowledge(alert, person("manager"))
    assert escalation.look() == 0
    Alert.objects.all().delete()
    made(6, lasting=True)
    alerts.close("k")
    assert escalation.look() == 0
    Alert.objects.all().delete()
    made(6, level="notice")
    assert escalation.look() == 0
    assert second() == []


def test_a_page_that_reached_nobody_goes_to_each_manager_when_there_is_no_second_in_line(route, service):
    boss = person("manager")
    route()
    made()
    service.answers = [404]
    deliveries.send(AlertDelivery.objects.get().pk)
    assert escalation.look() == 1
    assert [mail.to for mail in Outgoing.objects.all()] == [boss.email]


def test_managers_who_were_told_first_are_not_told_again(db):
    person("manager")
    made(6)
    assert escalation.look() == 1
    assert Outgoing.objects.count() == 1


def test_looking_costs_the_same_for_one_and_for_many(route, django_assert_num_queries):
    route()
    for n in range(3):
        alerts.notify(f"k{n}", "Surge", f"{n}")
    AlertDelivery.objects.update(state="sent")
    with django_assert_num_queries(2):
        escalation.look()
