"""The pages of undelivered mail and of the mail folder."""

import pytest
from django.contrib.auth.models import Group, User

from tests.tickets.test_outbox import bulk
from tickets import outbox
from tickets.mail import folder
from tickets.models import Lane, Outgoing

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, agent):
    client.force_login(agent)
    return client


def fail(open_ticket, count: int) -> None:
    for i in range(count):
        bulk(open_ticket(f"p{i}@example.org"), to=f"p{i}@example.org")
    Outgoing.objects.update(state="failed", error="550 no such user")


def test_a_person_sends_again_or_counts_as_sent(desk, open_ticket):
    fail(open_ticket, 3)
    first, second, third = Outgoing.objects.order_by("pk")
    page = desk.get("/outbox/").content.decode()
    assert "p0@example.org" in page
    assert "550 no such user" in page
    desk.post("/outbox/act/", {"action": "again", "pick": [first.pk]})
    page = desk.post("/outbox/act/", {"action": "sent", "pick": [second.pk, 999, "x"]}, follow=True).content.decode()
    assert "1 of 2 count as sent" in page
    assert list(Outgoing.objects.order_by("pk").values_list("state", flat=True)) == ["queued", "sent", "failed"]
    assert "Tick the mail first" in desk.post("/outbox/act/", {"action": "again"}, follow=True).content.decode()


def test_the_list_takes_as_many_queries_for_many_as_for_one(desk, open_ticket, django_assert_max_num_queries):
    fail(open_ticket, 1)
    with django_assert_max_num_queries(30) as one:
        desk.get("/outbox/")
    fail(open_ticket=lambda a: open_ticket("x" + a), count=60)
    with django_assert_max_num_queries(len(one.captured_queries)):
        page = desk.get("/outbox/").content.decode()
    assert page.count('name="pick"') == 50
    older = Outgoing.objects.order_by("-pk")[49].pk
    assert f"?before={older}" in page
    assert desk.get(f"/outbox/?before={older}").content.decode().count('name="pick"') == 11


def test_helpers_do_not_decide_about_mail(client, db):
    helper = User.objects.create_user("hal", "hal@acme.example", "a long enough one")
    helper.groups.add(Group.objects.get(name="helper"))
    client.force_login(helper)
    assert client.get("/outbox/").status_code == 403
    assert client.post("/outbox/act/", {"action": "again", "pick": [1]}).status_code == 403


def test_mail_goes_to_a_folder_and_can_be_read_there(desk, open_ticket, agent, settings):
    settings.EMAIL_BACKEND = "tickets.mail.folder.EmailBackend"
    row = outbox.queue_reply(open_ticket(), agent, "Grüße, <b>bold</b> & more.")
    assert outbox.send(row.pk) == "sent"
    bulk(open_ticket("p1@example.org"), to="p1@example.org")
    outbox.send_due(Lane.BULK)
    newest, oldest = folder.newest(50)
    assert (newest.to, oldest.to) == ("p1@example.org", "jo@example.org")
    assert dict(oldest.headers)["Message-ID"] == row.message_id
    assert len(list((settings.MAIL_FOLDER).glob("*/*.eml"))) == 2
    page = desk.get("/mail-folder/").content.decode()
    assert "Re: Cannot log in" in page
    one = desk.get(f"/mail-folder/{oldest.name}/").content.decode()
    assert "Grüße, &lt;b&gt;bold&lt;/b&gt; &amp; more." in one
    assert row.message_id.strip("<>") in one
    for name in ("nothing", "..", "20260101T000000000000-0123456789abcdef"):
        assert desk.get(f"/mail-folder/{name}/").status_code == 404


def test_the_folder_is_not_shown_where_mail_leaves_by_a_server(desk, smtp):
    assert desk.get("/mail-folder/").status_code == 404
