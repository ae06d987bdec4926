from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.voice.noises import wav
from tickets.models import AuditEntry
from voice import lines, local, sounds
from voice.models import Announcement
from voice.plan import PLAN, face, line_of

pytestmark = pytest.mark.django_db


def heard(at=None):
    return face(line_of("main"), at or timezone.now()).text.get("en")


@pytest.fixture
def away(line, monkeypatch):
    """A database that cannot be merged into: the plan is what it was, and the orders wait on disk."""
    with monkeypatch.context() as patched:

        def gone(order):
            raise OperationalError("away")

        patched.setattr(local, "_merge_one", gone)
        yield


def test_an_order_is_heard_at_once_and_only_on_its_line(away):
    local.announce(["main", "other"], {"en": "We know."}, who="root", why="fire")
    assert heard() == "We know."
    local.announce(["other"], {"en": "Elsewhere."}, who="root", why="fire")
    assert heard() == "We know."


def test_a_recording_of_an_order_is_played_and_merged(line, caller, monkeypatch):
    digest = sounds.take(wav())
    with monkeypatch.context() as patched:
        patched.setattr(local, "merge", lambda: 0)
        PLAN.refresh()
        local.announce(["main"], {"en": "We know."}, {"en": digest}, who="root", why="fire")
        assert caller().dials().heard.startswith(f"/voice/audio/{digest}/")
    PLAN.refresh()
    assert Announcement.objects.get().audio == {"en": digest}
    assert caller(sid="CA" + "2" * 32).dials().heard.startswith(f"/voice/audio/{digest}/")


def test_the_newest_order_wins_runs_out_and_clears_what_was_before_it(line, away):
    lines.announce([line], {"en": "From the database."})
    PLAN.refresh()
    soon = timezone.now() + timedelta(minutes=5)
    local.announce(["main"], {"en": "For a while."}, who="root", why="", until=soon)
    assert heard() == "For a while."
    assert heard(soon) == "From the database."
    local.clear(["main"], who="root", why="")
    assert heard() == "Hello, this is Acme."
    local.announce(["main"], {"en": "Again."}, who="root", why="")
    assert heard() == "Again."


def test_what_cannot_be_merged_is_kept_and_merged_once_when_it_can(line):
    local.announce(["main"], {"en": "We know."}, who="root", why="fire")
    order = local.read()[0]
    assert local.merge() == 1
    assert (local.read(), local.merge()) == ([], 0)
    made = Announcement.objects.get()
    assert (made.text, made.local_key, made.since.isoformat()) == ({"en": "We know."}, order["key"], order["at"])
    assert AuditEntry.objects.get(action="lines.announce.local").detail["who"] == "root"
    local._merge_one(order)
    assert Announcement.objects.count() == 1


def test_a_failed_merge_forgets_nothing(away):
    local.announce(["main"], {"en": "We know."}, who="root", why="fire")
    with pytest.raises(OperationalError):
        local.merge()
    assert len(local.read()) == 1
    assert heard() == "We know."


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"null", b"\xff\xfe", b'"text"'])
def test_a_broken_file_of_orders_leaves_the_line_as_it_was(line, content):
    local.path().parent.mkdir(parents=True, exist_ok=True)
    local.path().write_bytes(content)
    assert local.read() == []
    assert heard() == "Hello, this is Acme."
