import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.tickets import mailings
from tickets import intake, spool
from tickets.channels import mail_pipe
from tickets.models import Arrival, Entry, Ticket

# Nobody listens there: the database is away.
AWAY = "postgres://nobody@127.0.0.1:9/nothing"


def pipe(monkeypatch, raw: bytes, **options) -> None:
    """The command in this process."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    call_command("receive_mail", **options)


def piped(folder: Path, raw: bytes) -> subprocess.CompletedProcess:
    """The command as a mail server runs it, while the database is away."""
    environment = {**os.environ, "BREAKWATER_VAR": str(folder), "DATABASE_URL": AWAY, "SECRET_KEY": "of-a-test"}
    command = [sys.executable, "manage.py", "receive_mail", "--sender", "jo@example.org"]
    return subprocess.run(command, input=raw, env=environment, capture_output=True, timeout=60, check=False)


@pytest.mark.django_db
def test_a_mail_from_the_pipe_becomes_a_ticket_and_twice_is_once(monkeypatch):
    for _ in range(2):
        pipe(monkeypatch, mailings.raw_mail(), sender="jo@example.org", recipient=["support@example.com"])
    intake.understand_all()
    assert (Arrival.objects.count(), Ticket.objects.get().subject) == (1, "Help")


@pytest.mark.django_db
def test_the_same_mail_to_somebody_else_is_kept_and_is_still_one_message(monkeypatch):
    raw = mailings.raw_mail(Message_ID="<one@example.org>")
    for recipient in ("support@example.com", "billing@example.com"):
        pipe(monkeypatch, raw, sender="jo@example.org", recipient=[recipient])
    intake.understand_all()
    assert (Arrival.objects.count(), Entry.objects.filter(kind="message").count()) == (2, 1)


@pytest.mark.django_db
def test_bytes_that_are_no_mail_are_kept_with_their_original(monkeypatch):
    noise = bytes(range(256))
    pipe(monkeypatch, noise)
    intake.understand_all()
    assert intake.journal.body_of(Arrival.objects.get()) == noise
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("fault", [OSError("disk full"), RuntimeError("a fault of ours")])
def test_whatever_keeps_it_from_being_kept_the_mail_server_tries_again(monkeypatch, fault):
    def fail(*args, **kwargs):
        raise fault

    monkeypatch.setattr(mail_pipe.journal, "_record_of", fail)
    with pytest.raises(SystemExit) as ended:
        pipe(monkeypatch, mailings.raw_mail())
    assert ended.value.code == os.EX_TEMPFAIL


def test_while_the_database_is_away_the_mail_is_spooled_and_the_server_told_so(tmp_path, settings):
    done = piped(tmp_path, mailings.raw_mail())
    assert (done.returncode, done.stdout) == (0, b"")
    settings.VAR = tmp_path
    assert len(spool.waiting()) == 1


def test_what_can_be_kept_nowhere_is_to_be_sent_again(tmp_path):
    (tmp_path / "spool").write_text("A file stands where the folder should be.")
    done = piped(tmp_path, mailings.raw_mail())
    assert done.returncode == os.EX_TEMPFAIL
    assert b"not kept, try again" in done.stderr
