"""A bulk reply reaches everybody linked once, whatever interrupts it."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tickets import outbox
from tickets.models import Entry, Identity, Outgoing, Ticket, Told, WorkState
from triage.incidents import broadcast, jobs, linking, mode
from triage.incidents.broadcast_pages import numbers
from triage.incidents.words import first_words
from triage.models import Broadcast, Incident, Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def entered(asked, maya):
    def enter(**choices) -> Incident:
        return mode.enter(mode.preview(asked(**choices), maya).token, maya)

    return enter


def work_off(incident: Incident) -> None:
    """What workers do: nudged jobs until none is due."""
    for _ in range(20):
        Job.objects.filter(state=WorkState.QUEUED).update(due_at=timezone.now())
        due = list(incident.jobs.filter(state=WorkState.QUEUED).order_by("pk").values_list("pk", flat=True))
        if not due or not [jobs.expand(pk) for pk in due]:
            return


def mails() -> Counter:
    return Counter(Outgoing.objects.filter(kind="broadcast").values_list("to", flat=True))


def test_someone_with_five_tickets_gets_one_mail_on_the_newest_and_a_line_on_each(entered, write):
    tickets = [write("ann@example.com") for _ in range(5)]
    work_off(entered())
    mail = Outgoing.objects.get(kind="broadcast")
    assert (mail.to, mail.ticket, mail.lane, mail.state) == ("ann@example.com", tickets[-1], "bulk", "queued")
    assert mail.group == Broadcast.objects.get().group
    assert mail.entry.ticket == tickets[-1]
    assert mail.entry.kind == Entry.Kind.REPLY
    for ticket in tickets[:-1]:
        assert ticket.entries.filter(text=f"Answered in bulk, by the mail on #{tickets[-1].pk}").count() == 1
    assert set(Ticket.objects.values_list("state", "waiting_since")) == {("pending", None)}


def test_the_broadcast_waits_for_the_linking_before_it(entered, write):
    write("ann@example.com")
    incident = entered()
    reply = Broadcast.objects.get()
    assert jobs.expand(reply.job_id)
    reply.job.refresh_from_db()
    assert (reply.job.state, reply.job.expanded) == ("queued", 0)
    work_off(incident)
    assert mails() == {"ann@example.com": 1}


def test_who_cannot_be_written_to_is_counted_and_stays_in_the_queue(entered, write):
    write("ann@example.com")
    caller = write()
    gone = write("gone@example.com")
    Identity.objects.filter(value="gone@example.com").update(suppressed_at=timezone.now())
    work_off(entered())
    job = Broadcast.objects.get().job
    assert (job.total, job.expanded, job.unreachable, job.skipped) == (3, 3, 2, 0)
    assert set(Ticket.objects.filter(state="open")) == {caller, gone}


def test_who_heard_the_update_by_acknowledgement_hears_it_no_more(entered, write):
    ticket = write("ann@example.com")
    incident = entered()
    Told.objects.create(requester=ticket.requester, about=incident.updates.get().about)
    work_off(incident)
    assert mails() == {}
    assert Broadcast.objects.get().job.skipped == 1


def test_the_newest_tickets_address_is_written_to(entered, write):
    ticket = write("private@example.com")
    Identity.objects.create(requester=ticket.requester, kind="email", value="work@example.com")
    write("work@example.com")
    work_off(entered())
    assert mails() == {"work@example.com": 1}


def test_simulated_closed_and_merged_tickets_are_left_out(entered, write):
    ann = write("ann@example.com")
    write("sim@example.com", simulated=True)
    incident = entered()
    closed, merged = [write(f"{word}@example.com", created_at=timezone.now()) for word in ("closed", "merged")]
    work_off(incident)
    Ticket.objects.filter(pk=closed.pk).update(problem=incident.problem, state="closed")
    Ticket.objects.filter(pk=merged.pk).update(problem=incident.problem, merged_into=ann)
    update = mode.post_update(incident, "identified", "News.", incident.entered_by)
    broadcast.confirm(incident, update, "News", "News.", by=None, key="k", solves=False)
    work_off(incident)
    assert mails() == {"ann@example.com": 2}


def test_the_closing_reply_solves_what_it_answers_and_what_was_answered(entered, write, maya):
    heard, ann, caller = write("bob@example.com"), write("ann@example.com"), write()
    incident = entered(answer=False)
    work_off(incident)
    mode.leave(incident, maya, "It works again.")
    resolved = incident.updates.first()
    Told.objects.create(requester=heard.requester, about=resolved.about)
    made = broadcast.confirm(incident, resolved, "Solved", "It works.", by=maya, key="k", solves=True)
    assert broadcast.confirm(incident, resolved, "Solved", "It works.", by=maya, key="k", solves=True) == made
    work_off(incident)
    assert mails() == {"ann@example.com": 1}
    assert set(Ticket.objects.filter(state="solved")) == {heard, ann}
    assert Ticket.objects.get(pk=caller.pk).state == "open"


def many(write, number: int) -> list[str]:
    addresses = [f"person{n}@example.com" for n in range(number)]
    for address in addresses:
        write(address)
        write(address)
    return addresses


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(broadcast, "CHUNK", 3)
    monkeypatch.setattr(linking, "CHUNK", 4)


class Killed(BaseException):
    """Ends the worker where it stands, as SIGKILL would: nothing of ours catches it."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_killed_in_the_middle_it_is_resumed_without_doubles(entered, write, small_chunks, monkeypatch, after):
    addresses = many(write, 10)
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    job = Broadcast.objects.get().job
    whole, calls = outbox.queue_many, []

    def die(drafts):
        made = whole(drafts)
        calls.append(len(drafts))
        if len(calls) > after:
            raise Killed
        return made

    monkeypatch.setattr(outbox, "queue_many", die)
    with pytest.raises(Killed):
        jobs.expand(job.pk)
    monkeypatch.undo()
    assert mails() == dict.fromkeys(addresses[: 3 * after], 1)
    assert Job.objects.get(pk=job.pk).state == "sending"
    jobs.sweep(timezone.now() + timedelta(seconds=jobs.STALE - 1))
    assert Job.objects.get(pk=job.pk).state == "sending"
    jobs.sweep(timezone.now() + timedelta(seconds=jobs.STALE + 1))
    assert Job.objects.get(pk=job.pk).state == "queued"
    work_off(incident)
    assert mails() == dict.fromkeys(addresses, 1)
    assert Job.objects.get(pk=job.pk).expanded == 10
    assert Entry.objects.filter(kind="reply").count() == 10


def test_a_worker_that_wakes_up_late_has_lost_its_claim(entered, write, small_chunks):
    many(write, 4)
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    job = Broadcast.objects.get().job
    Job.objects.filter(pk=job.pk).update(state="sending", claimed_at=timezone.now() - timedelta(minutes=5))
    sleeper = Job.objects.get(pk=job.pk)
    jobs.sweep()
    work_off(incident)
    with pytest.raises(jobs.Lost):
        jobs._advance(sleeper)
    assert set(mails().values()) == {1}


def test_a_chunk_that_fails_is_tried_again_and_its_error_shown(entered, write, monkeypatch):
    write("ann@example.com")
    incident = entered()
    job = incident.jobs.get(kind="link")
    monkeypatch.setitem(jobs.CHUNKS, "link", lambda job: 1 / 0)
    assert jobs.expand(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("queued", "ZeroDivisionError: division by zero")
    assert job.due_at > timezone.now()
    monkeypatch.undo()
    work_off(incident)
    assert incident.problem.tickets.count() == 1


def test_what_no_worker_takes_the_watch_does_in_parts(entered, write, small_chunks, monkeypatch):
    monkeypatch.setattr(jobs, "SLICE", 1)
    many(write, 5)
    incident = entered()
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=jobs.PATIENCE + 1))
    jobs.sweep()
    assert incident.problem.tickets.count() == 4


def test_paused_it_stands_still_and_resumed_it_loses_nobody(entered, write, small_chunks, maya):
    addresses = many(write, 7)
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    reply = Broadcast.objects.get()
    jobs.expand(reply.job_id, chunks=1)
    broadcast.pause(reply, maya)
    work_off(incident)
    assert len(mails()) == 3
    assert not Outgoing.objects.filter(due_at__lte=timezone.now() + timedelta(days=365)).exists()
    broadcast.resume(reply, maya)
    work_off(incident)
    assert mails() == dict.fromkeys(addresses, 1)
    assert not Outgoing.objects.filter(due_at__gt=timezone.now()).exists()


def test_a_chunk_that_comes_after_the_pause_queues_nothing(entered, write, maya):
    write("ann@example.com")
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    reply = Broadcast.objects.get()
    broadcast.pause(reply, maya)
    with transaction.atomic():
        chunk = broadcast.expand_chunk(reply.job)
    assert (chunk.expanded, chunk.done, mails()) == (0, False, {})


def test_stopped_it_puts_back_who_was_not_written_to(entered, write, small_chunks, maya):
    many(write, 7)
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    reply = Broadcast.objects.get()
    jobs.expand(reply.job_id, chunks=1)
    first = Outgoing.objects.order_by("pk").first()
    Outgoing.objects.filter(pk=first.pk).update(state="sent")
    assert broadcast.stop(reply, maya) == 2
    assert broadcast.stop(reply, maya) == 0
    work_off(incident)
    assert Counter(Outgoing.objects.values_list("state", flat=True)) == {"sent": 1, "suppressed": 2}
    assert set(Ticket.objects.filter(state="pending").values_list("requester", flat=True)) == {first.requester_id}
    assert not Ticket.objects.filter(state="open", waiting_since=None).exists()
    # Who was not written to has not heard it: another reply about the same update reaches them.
    again = broadcast.confirm(incident, reply.update, "Again", "Again.", by=maya, key="again", solves=False)
    work_off(incident)
    assert Outgoing.objects.filter(group=again.group).count() == 6


def test_the_numbers_add_up(entered, write, small_chunks, maya):
    addresses = many(write, 5)
    write()
    incident = entered()
    Told.objects.create(requester=Ticket.objects.first().requester, about=incident.updates.get().about)
    jobs.expand(incident.jobs.get(kind="link").pk)
    reply = Broadcast.objects.get()
    jobs.expand(reply.job_id, chunks=1)
    half = numbers(Broadcast.objects.get())
    assert (half["total"], half["waiting"], half["settled"], half["live"]) == (6, 5, 1, True)
    work_off(incident)
    Outgoing.objects.filter(to=addresses[1]).update(state="failed")
    Outgoing.objects.filter(state="queued").update(state="sent")
    over = numbers(Broadcast.objects.get())
    assert (over["total"], over["waiting"], over["settled"], over["live"]) == (6, 0, 6, False)
    assert (over["mails"]["sent"], over["mails"]["failed"]) == (3, 1)


def test_queries_of_a_chunk_do_not_grow_with_people(entered, write, django_assert_max_num_queries):
    many(write, 30)
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    with django_assert_max_num_queries(35), transaction.atomic():
        broadcast.expand_chunk(Broadcast.objects.get().job)


CHILD = """
import sys
import django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from triage.incidents import broadcast, jobs
broadcast.CHUNK, jobs.BREATH = 5, 0.05
jobs.expand(int(sys.argv[2]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_by_sigkill_leaves_nobody_out_and_nobody_twice(entered, write):
    addresses = many(write, 60)
    incident = entered()
    jobs.expand(incident.jobs.get(kind="link").pk)
    job = Broadcast.objects.get().job
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "triage.settings"}
    worker = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(connection.settings_dict["NAME"]), str(job.pk)],
        env=environment,
        cwd=settings.BASE_DIR,
    )
    deadline = time.monotonic() + 30
    while Job.objects.get(pk=job.pk).expanded < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    assert worker.wait(10) == -signal.SIGKILL
    half = Job.objects.get(pk=job.pk)
    assert (half.state, 10 <= half.expanded < 60) == ("sending", True)
    assert sum(mails().values()) == half.expanded
    jobs.sweep(timezone.now() + timedelta(seconds=jobs.STALE + 1))
    work_off(incident)
    assert mails() == dict.fromkeys(addresses, 1)
    assert Entry.objects.filter(kind="reply").count() == 60


# ── in the reader's language ─────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_reads_the_language_they_wrote_in(entered, write, asked):
    for email, language in (
        ("en@x.example", "en"),
        ("de@x.example", "de"),
        ("at@x.example", "de-AT"),
        ("fr@x.example", "fr"),
    ):
        write(email, language=language)
    incident = entered(notice={"en": "We know of it.", "de": "Wir wissen davon."}, answer=True)
    work_off(incident)
    read = dict(Outgoing.objects.filter(kind="broadcast").values_list("to", "text"))
    assert "We are looking into it." in read["en@x.example"]
    assert "We are looking into it." in read["fr@x.example"]
    for german in ("de@x.example", "at@x.example"):
        assert "Wir wissen davon." in read[german]
        assert "Guten Tag" in read[german]


def test_words_by_hand_are_read_by_all(entered, write):
    write("de@x.example", language="de")
    incident = entered(reply="By hand.", answer=True)
    work_off(incident)
    assert Outgoing.objects.get(kind="broadcast").text == "By hand."


def test_the_page_offers_the_languages_that_people_wrote_in(entered, write, maya, client):
    client.force_login(maya)
    for number, language in enumerate(["de", "de-AT", "pt", ""]):
        write(f"p{number}@x.example", language=language)
    incident = entered(answer=False)
    work_off(incident)
    update = mode.post_update(
        incident, "identified", "A disk is slow.", maya, translations={"de": "Eine Platte ist langsam."}
    )
    address = f"/incidents/{incident.pk}/reply/{update.pk}/"
    page = client.get(address).content.decode()
    assert "2 of them wrote in it" in page
    assert "Eine Platte ist langsam." in page
    assert "Portuguese" in page
    sent = {"subject": "News", "text": "In English.", "text_de": "Auf Deutsch.", "text_pt": "", "key": "k" * 43}
    client.post(address, sent)
    work_off(incident)
    read = dict(Outgoing.objects.filter(kind="broadcast").values_list("to", "text"))
    assert [read[f"p{number}@x.example"] for number in range(4)] == ["Auf Deutsch."] * 2 + ["In English."] * 2
    assert "Auf Deutsch." in client.get(f"/broadcasts/{incident.broadcasts.get().pk}/").content.decode()


def test_a_closing_has_its_own_words_in_each_language(entered, write, maya, client):
    client.force_login(maya)
    write("de@x.example", language="de")
    incident = entered(answer=False)
    work_off(incident)
    client.post(f"/incidents/{incident.pk}/leave/", {"body": first_words("resolved", "en")})
    page = client.get(f"/incidents/{incident.pk}/reply/{incident.updates.first().pk}/").content.decode()
    assert "Die Störung ist behoben." in page
