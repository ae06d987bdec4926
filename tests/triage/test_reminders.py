from datetime import timedelta

import pytest
from django.utils import timezone

from tests.house import person
from tickets.models import Outgoing
from triage import reminders
from voice import lines, pins
from voice.models import Announcement, Line

pytestmark = pytest.mark.django_db


def said(hours, **values):
    line = Line.objects.create(
        key=f"l{Line.objects.count()}", name="Support", number=f"+120255501{Line.objects.count():02}"
    )
    [row] = lines.announce([line], {"en": "Hello."}, why="outage", **values)
    Announcement.objects.filter(pk=row.pk).update(since=timezone.now() - timedelta(hours=hours))
    return row


def test_after_four_hours_managers_are_asked_once_for_all_lines_and_again_after_four_more():
    person("manager", "Maya")
    said(5), said(6), said(1)
    assert reminders.remind() == 2
    assert reminders.remind() == 0
    [mail] = Outgoing.objects.all()
    assert "2 lines still announcing" in mail.subject
    assert "/lines/end/" in mail.text
    Announcement.objects.filter(reminded_at__isnull=False).update(reminded_at=timezone.now() - timedelta(hours=4))
    assert reminders.remind() == 2


def test_nobody_is_asked_about_what_is_over():
    lines.end([said(5).pk])
    said(9, until=timezone.now() + timedelta(seconds=-1))
    assert reminders.remind() == 0


def wrong_pins(number, count=pins.OF_NUMBER):
    for place in range(count):
        pins.check(number, "739150", sid="CA1", place=place, wanted=lambda: None)


def test_managers_are_told_once_that_a_number_is_locked_and_of_no_pin():
    maya = person("manager", "Maya Okafor")
    pins.keep(maya, ["+12015550177"], "480917")
    wrong_pins("+12015550177", pins.OF_NUMBER - 1)
    assert reminders.tell_lockouts() == 0
    wrong_pins("+12015550177", pins.OF_NUMBER + 2)
    assert reminders.tell_lockouts() == 1
    assert reminders.tell_lockouts() == 0
    [mail] = Outgoing.objects.all()
    assert "+1 201-555-0177 locked out" in mail.subject
    assert "Maya Okafor" in mail.text
    assert "739150" not in mail.text


def test_that_all_phones_are_locked_is_said_so(monkeypatch):
    monkeypatch.setattr(pins, "OF_ALL", 3)
    pins.keep(person("manager"), ["+12015550177"], "480917")
    wrong_pins("+12015550177")
    assert reminders.tell_lockouts() == 1
    assert "All phones locked out" in Outgoing.objects.get().subject
