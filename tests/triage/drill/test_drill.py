"""A small drill through the real doors of a live server, and the verdict on it."""

import json
import random
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.utils import timezone

from tests.tickets import mailings
from tests.voice import checked
from tickets import intake, outbox
from tickets.models import Arrival, CountsAs, Entry, Lane, Problem, Ticket
from triage.drill import flood, history
from triage.drill.record import read
from triage.models import Incident
from voice import calls, lines
from voice.models import Announcement, Callback, Line
from voice.plan import PLAN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(live_server, settings):
    """A front door with a line, a mail provider's secret and a token."""
    settings.PUBLIC_URL, settings.SIMULATOR_BASE = "https://support.example.com", live_server.url
    settings.TWILIO_AUTH_TOKENS = ["0123456789abcdef0123456789abcdef"]
    settings.MAIL_WEBHOOK_SECRETS = [mailings.SECRET]
    settings.ANYMAIL = {"WEBHOOK_SECRET": [mailings.SECRET]}
    settings.MAIL_RATE = 10_000
    settings.EMAIL_BACKEND = "tickets.mail.folder.EmailBackend"
    line = Line.objects.create(key="main", name="Support", number="+12025550199", languages=["en"])
    PLAN.refresh()
    return line


def work_off():
    intake.understand_all()
    for lane in Lane.values:
        while outbox.send_due(lane, 100):
            pass


@pytest.fixture
def record(house, tmp_path, monkeypatch):
    """A drill of 24 people, worked off."""
    monkeypatch.setattr(flood, "SENDERS", 2)
    # What is told apart here is not the history: that has a test of its own.
    monkeypatch.setattr(history, "is_seeded", lambda now: True)
    path = tmp_path / "sent.jsonl"
    call_command("drill", contacts=24, record=path, seed=5, verbosity=0)
    work_off()
    return path


def verdict(path, capsys):
    capsys.readouterr()
    status = 0
    try:
        call_command("drill", verify=path, wait=5)
    except SystemExit as end:
        status = end.code
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_everybody_is_found_once(record, capsys):
    sent = list(read(record))
    assert {line["medium"] for line in sent} == {"phone", "email", "web"}
    assert any(line.get("callback") for line in sent)
    status, summary = verdict(record, capsys)
    assert status == 0
    assert (summary["sent"], summary["accepted"], summary["lost"], summary["doubled"]) == (24, 24, 0, 0)


def test_one_planted_loss_is_found(record, capsys):
    Entry.objects.filter(kind="message").first().delete()
    status, summary = verdict(record, capsys)
    assert (status, summary["lost"], summary["doubled"]) == (1, 1, 0)


def test_one_planted_double_is_found(record, capsys):
    entry = Entry.objects.filter(kind="message").first()
    Entry.objects.create(ticket=entry.ticket, kind="message", text=entry.text, happened_at=timezone.now())
    status, summary = verdict(record, capsys)
    assert (status, summary["lost"], summary["doubled"]) == (1, 0, 1)


def test_a_callback_that_stands_twice_is_a_double(record, capsys):
    callback = Callback.objects.first()
    Callback.objects.filter(pk=callback.pk).update(state="done")
    callback.pk = None
    callback.save()
    status, summary = verdict(record, capsys)
    assert (status, summary["doubled"]) == (1, 1)


def test_a_mail_that_left_twice_is_a_double(record, capsys, settings):
    mail = next(settings.MAIL_FOLDER.rglob("*.eml"))
    mail.with_name("again-" + mail.name).write_bytes(mail.read_bytes())
    status, summary = verdict(record, capsys)
    assert (status, summary["doubled"]) == (1, 1)


def test_the_first_caller_who_hears_the_message_is_timed(house, record, tmp_path, capsys, monkeypatch):
    problem = Problem.objects.create(title="Logins fail", opened_at=timezone.now())
    Incident.objects.create(problem=problem, started_at=timezone.now(), entered_at=timezone.now())
    lines.announce([house], {"en": "We know that logins fail."}, problem=problem)
    PLAN.refresh()
    path = tmp_path / "second.jsonl"
    Incident.objects.update(entered_at=timezone.now())
    call_command("drill", contacts=8, record=path, seed=9, verbosity=0)
    work_off()
    # The incident was entered just before the second drill began, within the clock's slack.
    status, summary = verdict(path, capsys)
    assert status == 0
    assert 0 <= summary["seconds_from_confirmation_to_first_listener"] < 60


def test_without_a_line_it_says_what_to_do(db):
    with pytest.raises(CommandError, match="no phone line"):
        call_command("drill", contacts=1)


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "x").write_text("no json\n")
    with pytest.raises(CommandError, match="line 1"):
        call_command("drill", verify=tmp_path / "x")


def test_ten_ordinary_days_are_journaled_and_open_no_ticket(db):
    now = timezone.now()
    assert not history.is_seeded(now)
    seeded = history.seed(now, random.Random(1), "main")
    assert seeded == pytest.approx(10 * history.PER_DAY, rel=0.12)
    assert history.is_seeded(now)
    arrivals = Arrival.objects.filter(payload__history=True)
    assert arrivals.count() == seeded
    assert set(arrivals.values_list("counts_as", "state").distinct()) == {(CountsAs.CONTACT, "understood")}
    assert arrivals.earliest("happened_at").happened_at > now - timedelta(days=10, minutes=1)
    assert not Ticket.objects.exists()


def test_a_drill_of_callers_alone_and_each_heard_what_their_line_said(house, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(flood, "SENDERS", 2)
    monkeypatch.setattr(history, "is_seeded", lambda now: True)
    lines.announce([house], {"en": "We know that logins fail."})
    PLAN.refresh()
    path = tmp_path / "sent.jsonl"
    call_command("drill", contacts=10, callers=True, record=path, seed=5, verbosity=0)
    work_off()
    assert {line["medium"] for line in read(path)} == {"phone"}
    status, summary = verdict(path, capsys)
    assert (status, summary["misheard"], summary["lost"]) == (0, 0, 0)
    # Had it been over long before, what they heard would have been wrong.
    begun = timezone.now() - timedelta(hours=1)
    Announcement.objects.update(since=begun, ended_at=begun + timedelta(minutes=5))
    status, summary = verdict(path, capsys)
    assert (status, summary["misheard"]) == (1, 10)


def test_a_document_that_twilio_does_not_take_is_misheard_whatever_it_says(house, tmp_path, monkeypatch, capsys):
    wrong = "<Response><Gather numDigits='1'><Say>We know that logins fail.</Say></Gather></Response>"
    monkeypatch.setattr(calls, "xml", lambda response: HttpResponse(wrong, content_type="text/xml"))
    monkeypatch.setattr(flood, "SENDERS", 2)
    monkeypatch.setattr(history, "is_seeded", lambda now: True)
    lines.announce([house], {"en": "We know that logins fail."})
    PLAN.refresh()
    path = tmp_path / "sent.jsonl"
    call_command("drill", contacts=6, callers=True, record=path, seed=5, verbosity=0)
    work_off()
    checked.FAULTS.clear()  # they were planted
    status = 0
    try:
        call_command("drill", verify=path, wait=5)
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    assert (status, json.loads(said.out.splitlines()[-1])["misheard"]) == (1, 6)
    assert "got a document with a Gather without an action" in said.err
