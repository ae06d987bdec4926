"""`manage.py read_mail`, run as people run it: a process, without a database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tickets.mail.hazards import HAZARDS

ROOT = Path(__file__).resolve().parents[3]
KEYS = (
    "file subject from_email from_name to cc date message_id text reply html attachments "
    "is_auto_reply is_bounce is_complaint bounces problems"
).split()

ANSWER = """From: "Doe, Jo" <Jo@Example.org>
To: Support <support@acme.example>, b@acme.example
Cc: c@example.org
Date: Mon, 23 Nov 2026 10:00:00 +0100
Message-ID: <1@example.org>
Subject: =?utf-8?q?Re:_L=C3=B6gin?=
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<p onclick="x()">Still\u2028broken</p><blockquote>It fails.</blockquote>
--b
Content-Type: text/plain; charset=utf-8

Still broken.

On Mon, 23 Nov 2026 at 09:00, Support <support@acme.example> wrote:
> It works.
--b
Content-Disposition: attachment; filename=screen.png

x
--b--
"""

BOUNCE = """From: MAILER-DAEMON@mx.example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; jo@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user
--b--
"""


@pytest.fixture
def read_mail(tmp_path):
    def run(*arguments: object, status: int = 0) -> list[dict]:
        # A database that nobody can open: the command must not need one.
        env = {
            **os.environ,
            "BREAKWATER_VAR": str(tmp_path),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
            "PYTHONIOENCODING": "ascii",
        }
        command = [sys.executable, "manage.py", "read_mail", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (status, b"")
        return [json.loads(line) for line in done.stdout.decode("ascii").splitlines()]

    return run


@pytest.fixture
def file(tmp_path):
    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def test_each_file_is_one_line_with_every_key(read_mail, file):
    answer, bounce = read_mail(file("answer.eml", ANSWER), file("bounce.eml", BOUNCE))
    assert list(answer) == list(bounce) == KEYS
    assert answer["file"].endswith("answer.eml")
    assert (answer["subject"], answer["from_email"], answer["from_name"]) == ("Re: Lögin", "jo@example.org", "Doe, Jo")
    assert (answer["to"], answer["cc"]) == (["support@acme.example", "b@acme.example"], ["c@example.org"])
    assert (answer["date"], answer["message_id"]) == ("2026-11-23T10:00:00+01:00", "<1@example.org>")
    assert (answer["reply"], answer["attachments"]) == ("Still broken.", ["screen.png"])
    assert "It works." in answer["text"]
    assert "Still" in answer["html"]
    assert "onclick" not in answer["html"]
    assert not any(answer[key] for key in ("is_auto_reply", "is_bounce", "is_complaint", "problems"))


def test_a_bounce_names_who_was_not_reached_and_why(read_mail, file):
    (record,) = read_mail(file("bounce.eml", BOUNCE))
    assert (record["is_bounce"], record["is_complaint"], record["is_auto_reply"]) == (True, False, False)
    expected = {"recipient": "jo@example.org", "status": "5.1.1", "reason": "550 no such user", "permanent": True}
    assert record["bounces"] == [expected]


def test_a_body_alone_is_not_searched_for_headers(read_mail, file):
    (record,) = read_mail("--body", file("body.txt", "Subject: not one\n\nNew words.\n\n> old words\n"))
    assert (record["subject"], record["reply"]) == ("", "Subject: not one\n\nNew words.")
    assert list(record) == KEYS


def test_what_cannot_be_opened_has_a_line_too_and_the_next_file_is_read(read_mail, file, tmp_path):
    gone, folder, answer = read_mail(tmp_path / "gone.eml", tmp_path, file("answer.eml", ANSWER), status=1)
    assert list(gone) == list(folder) == KEYS
    assert gone["problems"][0].startswith("cannot be opened: ")
    assert folder["problems"][0].startswith("cannot be opened: ")
    assert answer["subject"] == "Re: Lögin"


def test_no_hostile_message_ends_the_command(read_mail, file):
    paths = [file(f"{number}.eml", raw) for number, raw in enumerate(HAZARDS.values()) if len(raw) < 200_000]
    assert len(read_mail(*paths)) == len(paths) > 15
