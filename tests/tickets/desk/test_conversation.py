"""A ticket's page: what it shows, answering, notes, files and originals."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.house import person, problem, ticket
from tickets import blobs
from tickets.desk import conversation
from tickets.models import Attachment, Entry, Outgoing, Ticket, WorkState

pytestmark = pytest.mark.django_db


def _reply(client: Client, made: Ticket, text: str, **more: Any) -> Any:
    last = made.entries.order_by("-pk").values_list("pk", flat=True).first()
    return client.post(reverse("ticket_reply", args=[made.pk]), {"text": text, "seen": last, **more})


def test_an_answer_is_queued_and_the_ticket_is_its_authors(client: Client) -> None:
    agent, made = person(), ticket(address="jo@example.org")
    client.force_login(agent)
    assert _reply(client, made, "Please try again now.").status_code == 302
    mail = Outgoing.objects.get()
    assert (mail.to, mail.state, mail.ticket_id) == ("jo@example.org", WorkState.QUEUED, made.pk)
    assert "Please try again now." in mail.text
    made.refresh_from_db()
    assert (made.assignee, made.state) == (agent, Ticket.State.PENDING)
    assert "Queued" in client.get(reverse("ticket_live", args=[made.pk])).content.decode()


def test_the_reference_that_the_form_gave_stands_with_its_message(client: Client) -> None:
    client.force_login(person())
    made = ticket()
    made.entries.update(payload={"reference": "4dni-bkmi"})
    assert "4DNI-BKMI" in client.get(reverse("ticket", args=[made.pk])).content.decode()


def test_a_button_pressed_twice_answers_once(client: Client) -> None:
    client.force_login(person())
    made = ticket()
    data = {"text": "Please try again now.", "seen": made.entries.get().pk}
    for _ in range(2):
        client.post(reverse("ticket_reply", args=[made.pk]), data)
    assert Outgoing.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "text is empty"), ("  \n ", "text is empty"), ("x" * (conversation.LONGEST + 1), "longer than 50,000")],
)
def test_a_draft_with_a_mistake_comes_back_with_it_named_and_the_text_kept(
    client: Client, text: str, fault: str
) -> None:
    client.force_login(person())
    made = ticket()
    answer = _reply(client, made, text)
    assert answer.status_code == 422
    assert fault in answer.content.decode()
    assert answer.context["draft"] == text
    assert not Outgoing.objects.exists()


def test_whoever_writes_while_a_colleague_answers_is_told_and_keeps_the_draft(client: Client) -> None:
    mia, ben = person(name="Mia Kern"), person()
    made = ticket()
    seen = made.entries.get().pk
    conversation.reply(made, mia, "We are on it.", solve=False, seen=seen)
    client.force_login(ben)
    data = {"text": "Is it still so?", "seen": seen}
    answer = client.post(reverse("ticket_reply", args=[made.pk]), data)
    assert answer.status_code == 422
    assert "Mia Kern wrote meanwhile" in answer.content.decode()
    assert "Is it still so?" in answer.content.decode()
    assert Outgoing.objects.count() == 1
    again = client.post(reverse("ticket_reply", args=[made.pk]), {**data, "seen": answer.context["conversation"].last})
    assert again.status_code == 302
    assert Outgoing.objects.count() == 2


def test_a_customer_without_an_address_cannot_be_answered_by_mail(client: Client) -> None:
    client.force_login(person())
    made = ticket(address="+442079460812")
    answer = _reply(client, made, "Hello")
    assert answer.status_code == 422
    assert "no email address" in answer.content.decode()


@pytest.mark.parametrize(
    ("state", "button", "then"),
    [
        ("failed", {}, WorkState.QUEUED),
        ("uncertain", {}, WorkState.QUEUED),
        ("uncertain", {"sent": "1"}, WorkState.SENT),
        ("sent", {}, WorkState.SENT),
    ],
)
def test_a_person_decides_about_a_reply_that_did_not_leave(
    client: Client, state: str, button: dict[str, str], then: str
) -> None:
    agent, made = person(), ticket()
    client.force_login(agent)
    row = conversation.reply(made, agent, "Hello", solve=False, seen=made.entries.get().pk)
    Outgoing.objects.filter(pk=row.pk).update(state=state, error="connection refused", done_at=timezone.now())
    page = client.get(reverse("ticket", args=[made.pk])).content.decode()
    assert ("Try again" in page) == (state != "sent")
    client.post(reverse("reply_decide", args=[row.pk]), button)
    row.refresh_from_db()
    assert row.state == then


def test_notes_stay_inside(client: Client) -> None:
    client.force_login(person())
    made = ticket()
    empty = client.post(reverse("ticket_note", args=[made.pk]), {"text": " "})
    assert empty.status_code == 422
    client.post(reverse("ticket_note", args=[made.pk]), {"text": "Finance knows."})
    assert "Finance knows." in client.get(reverse("ticket", args=[made.pk])).content.decode()
    assert not Outgoing.objects.exists()


def test_a_note_whose_button_is_pressed_twice_is_one(client: Client) -> None:
    client.force_login(person())
    made = ticket()
    for text in ("Finance knows.", "Finance knows.", "Finance knows, really."):
        client.post(reverse("ticket_note", args=[made.pk]), {"text": text})
    assert Entry.objects.filter(kind=Entry.Kind.NOTE).count() == 2


@pytest.mark.parametrize(
    ("visible", "text", "rest"),
    [
        ("Hello", "Hello", ""),
        ("", "Hello", ""),
        ("Hello", "Hello\n\n> You wrote", "> You wrote"),
        ("Hello", "> You wrote\n\nHello", "> You wrote\n\nHello"),
    ],
)
def test_what_is_folded_away_is_all_that_is_not_visible(visible: str, text: str, rest: str) -> None:
    assert conversation.folded(Entry(visible=visible, text=text)) == rest


def test_customers_words_are_never_markup(client: Client) -> None:
    client.force_login(person())
    made = ticket(subject="<script>alert(1)</script>", text="<img src=x onerror=alert(2)>")
    for url in (reverse("ticket", args=[made.pk]), reverse("queue")):
        page = client.get(url).content.decode()
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("kind", "given"),
    [("text/html", "application/octet-stream"), ("image/svg+xml", "application/octet-stream"), ("audio/mpeg",) * 2],
)
def test_an_attachment_is_a_download_that_no_browser_runs(client: Client, kind: str, given: str) -> None:
    client.force_login(person())
    entry = ticket().entries.get()
    file = Attachment.objects.create(
        entry=entry, name='é"\r\n.html', content_type=kind, size=9, blob=blobs.put(b"<script>1")
    )
    answer = client.get(reverse("attachment", args=[file.pk]))
    assert answer.content == b"<script>1"
    assert answer["Content-Type"] == given
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_lost_file_is_said_to_be_lost(client: Client) -> None:
    client.force_login(person())
    entry = ticket().entries.get()
    file = Attachment.objects.create(entry=entry, name="a", content_type="text/plain", size=1, blob="0" * 64)
    assert client.get(reverse("attachment", args=[file.pk])).status_code == 404


def test_the_original_is_shown_as_it_came(client: Client) -> None:
    client.force_login(person())
    entry = ticket(subject="Grüße", text="<b>bold</b>").entries.get()
    answer = client.get(reverse("original", args=[entry.pk]))
    assert "Subject: Grüße" in answer.content.decode()
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


def test_a_long_conversation_costs_as_many_queries_as_a_short_one(client: Client) -> None:
    agent, made = person(), ticket(problem=problem())
    client.force_login(agent)

    def say() -> None:
        entry = made.entries.create(kind="note", author=person(), text="a", visible="a", happened_at=timezone.now())
        Attachment.objects.create(entry=entry, name="a", content_type="a/b", size=1, blob="0" * 64)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("ticket", args=[made.pk]))
        return len(captured)

    say()
    one = queries()
    for _ in range(4):
        say()
    assert queries() == one


def test_an_endless_conversation_shows_its_end_first(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "SHOWN", 2)
    client.force_login(person())
    made = ticket(text="the first words")
    for n in range(3):
        made.entries.create(kind="note", text=f"note {n}", visible=f"note {n}", happened_at=timezone.now())
    page = client.get(reverse("ticket", args=[made.pk])).content.decode()
    assert "note 2" in page
    assert "Show everything earlier" in page
    assert "the first words" not in page
    assert "the first words" in client.get(reverse("ticket", args=[made.pk]), {"all": "1"}).content.decode()


@pytest.mark.parametrize("name", ["", "+442079460012"])
def test_who_has_only_a_number_is_shown_by_it_in_groups(client: Client, name: str) -> None:
    client.force_login(person())
    made = ticket(address="+442079460012", name=name, medium="phone")
    pages = [reverse("ticket", args=[made.pk]), reverse("queue")]
    for page in pages:
        shown = client.get(page).content.decode()
        assert "+44 20 7946 0012" in shown, page
        assert ">+442079460012" not in shown, page
    looked = client.post(reverse("bulk"), {"act": "solve", "ticket": made.pk}).content.decode()
    assert "+44 20 7946 0012" in looked


def test_no_reply_is_asked_for_that_could_not_be_sent_and_a_draft_is_kept_all_the_same(client: Client) -> None:
    client.force_login(person())
    made = ticket(address="+442079460012", medium="phone")
    shown = client.get(reverse("ticket", args=[made.pk])).content.decode()
    assert "Send reply" not in shown
    assert "no reply can be sent" in shown
    assert "Add note" in shown
    refused = _reply(client, made, "Please try again now.")
    assert refused.status_code == 422
    assert "Please try again now." in refused.content.decode()
