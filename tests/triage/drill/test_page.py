import json

import pytest
from django.contrib.auth.models import Group, User

from triage.drill import flood, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client, settings):
    settings.DEMO = True
    user = User.objects.create_user("maya", "maya@acme.example", "a long enough one")
    user.groups.add(Group.objects.get(name="manager"))
    client.force_login(user)
    return client


def test_outside_a_demo_there_is_no_drill(manager, settings):
    settings.DEMO = False
    assert manager.get("/drill/").status_code == 404
    assert manager.post("/drill/").status_code == 404


def test_before_the_first_drill_the_page_says_so(manager):
    assert b"No drill has been run yet" in manager.get("/drill/").content


def test_progress_and_an_early_end_are_shown(manager):
    flood.progress_path().parent.mkdir(parents=True)
    flood.progress_path().write_text(json.dumps({"sent": 3, "accepted": 3, "total": 9, "finished": False}))
    answer = manager.get("/drill/").content
    assert b"3 of 9" in answer
    assert b"ended early" in answer


def test_one_drill_runs_at_a_time(manager, monkeypatch):
    page.folder().mkdir(parents=True)
    with (page.folder() / ".lock").open("w") as lock:
        assert page._take(lock)
        assert page.is_running()
        assert page.start() is False
    assert not page.is_running()
