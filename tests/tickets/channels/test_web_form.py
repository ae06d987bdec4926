"""The public form keeps what it confirms, names mistakes at the field, and loses no text."""

import re

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tickets import blobs, journal, notices, spool
from tickets.channels import web_form
from tickets.models import Arrival, Notice, Problem

GOOD = {
    "name": "Jo", "email": "Jo@Example.org", "subject": "Login", "message": "I cannot <log> in & I am sad.",
    "language": "de", "website": "",
}  # fmt: skip


def nonce_of(response) -> str:
    return re.search(rb'name="nonce" value="([^"]+)"', response.content)[1].decode()


@pytest.fixture
def nonce(client) -> str:
    return nonce_of(client.get("/help/"))


def send(client, nonce, /, **changes):
    return client.post("/help/", {**GOOD, "nonce": nonce, **changes})


@pytest.mark.django_db
def test_what_is_sent_is_journaled_and_confirmed_with_a_reference(client, nonce):
    response = send(client, nonce)
    arrival = Arrival.objects.get()
    assert (arrival.channel, arrival.sender) == ("web_form", "jo@example.org")
    assert arrival.payload["message"] == GOOD["message"]
    assert response.status_code == 302
    page = client.get(response.url).content.decode()
    assert "We have your message" in page
    assert arrival.payload["reference"].upper() in page
    assert 'href="/status/"' in page


@pytest.mark.django_db
def test_the_form_leads_to_the_status_page_for_those_who_want_to_look_first(client):
    page = client.get("/help/").content.decode()
    assert '<a href="/status/">Status page</a>' in page
    assert "<title>Contact support" in page


@pytest.mark.django_db
def test_sent_twice_it_is_one_and_corrected_it_is_another(client, nonce):
    assert send(client, nonce).url == send(client, nonce).url
    assert Arrival.objects.count() == 1
    send(client, nonce, message="More words.")
    assert Arrival.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "jo at home", "does not look like an email address"),
        ("email", "", "cannot answer you"),
        ("message", "", "tell us what happened"),
        ("message", "x" * 50_001, "too long for the form"),
        ("message", "a\0b", "Null characters"),
        ("subject", "", "what it is about"),
        ("website", "http://spam.example", "leave this field empty"),
        ("nonce", "made-up", "open for too long"),
    ],
)
def test_a_mistake_is_named_and_the_text_kept(client, nonce, field, value, said):
    response = send(client, nonce, **{field: value})
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert "<title>Not sent yet: Contact support" in page
    assert (GOOD["message"] if field != "message" else GOOD["subject"]).split("<")[0] in page
    assert not Arrival.objects.exists()


@pytest.mark.django_db
def test_a_page_left_open_for_days_is_sent_with_one_more_click(client, nonce):
    with time_machine.travel(timezone.now() + timezone.timedelta(days=3)):
        response = send(client, nonce)
        assert response.status_code == 422
        assert "Nothing is lost" in response.content.decode()
        assert send(client, nonce_of(response)).status_code == 302


@pytest.mark.django_db
def test_files_are_kept_and_too_many_are_refused(client, nonce):
    files = [SimpleUploadedFile(f"{i}.txt", b"%d" % i, "text/plain") for i in range(6)]
    assert "at most 5 files" in send(client, nonce, files=files).content.decode()
    files = [SimpleUploadedFile("log.txt", b"the log", "text/plain")]
    assert send(client, nonce, files=files).status_code == 302
    (kept,) = Arrival.objects.get().payload["attachments"]
    assert (kept["name"], blobs.read(kept["blob"])) == ("log.txt", b"the log")


# No mark for the database: touching it fails these.
def test_without_a_database_it_is_spooled_and_confirmed_all_the_same(client, monkeypatch):
    monkeypatch.setattr(journal, "_store_here", lambda record: None)
    response = send(client, nonce_of(client.get("/help/")))
    assert response.status_code == 302
    assert len(spool.waiting()) == 1
    assert client.get(response.url).status_code == 200


def test_what_cannot_be_kept_is_not_confirmed(client, monkeypatch):
    def refuse(incoming):
        raise journal.NotKept("disk full")

    monkeypatch.setattr(journal, "accept", refuse)
    response = send(client, nonce_of(client.get("/help/")))
    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "could not keep your message" in page
    assert "I cannot &lt;log&gt; in &amp; I am sad." in page


def test_only_references_that_we_gave_out_are_confirmed(client):
    assert client.get("/help/done/abcd-efgh/").status_code == 404
    assert client.get("/help/done/abcd-efgh.0123456789abcdef/").status_code == 404
    assert client.get(f"/help/done/{web_form.signed('abcd-efgh')}/").status_code == 200


@pytest.mark.django_db
def test_the_notice_in_force_stands_on_top_in_the_readers_language(client):
    problem = Problem.objects.create(title="Login", opened_at=timezone.now())
    text = {"en": "We know that logins fail.", "de": "Anmeldungen gehen gerade nicht."}
    notices.show(Notice.Target.WEB_FORM, text, problem, None)
    notices.NOTICES.refresh()
    assert "We know that logins fail." in client.get("/help/").content.decode()
    german = client.get("/help/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}).content.decode()
    assert "Anmeldungen gehen gerade nicht." in german
    notices.clear(problem)
    notices.NOTICES.refresh()
    assert "logins fail" not in client.get("/help/").content.decode()


GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.mark.parametrize(
    ("headers", "tag", "said"),
    [
        ({}, "en", "How can we help?"),
        (GERMAN, "de", "Wie können wir"),
        ({"Accept-Language": "xx,*;q=0.1"}, "en", "How can we help?"),
    ],
)
def test_the_form_speaks_the_readers_language(client, headers, tag, said):
    response = client.get("/help/", headers=headers)
    page = response.content.decode()
    assert said in page
    assert f'<html lang="{tag}"' in page
    assert response["Content-Language"] == tag
    assert "Accept-Language" in response["Vary"]
    assert f'<option value="{tag}" selected>' in page


def test_mistakes_and_the_confirmation_are_told_in_the_readers_language(client, nonce):
    wrong = {**GOOD, "nonce": nonce, "email": "", "message": "a\0b"}
    page = client.post("/help/", wrong, headers=GERMAN).content.decode()
    assert "Bitte geben Sie eine Adresse an" in page
    assert "Nullzeichen" in page, "Django's own words of mistakes are German too"
    done = client.get(f"/help/done/{web_form.signed('abcd-efgh')}/", headers=GERMAN).content.decode()
    assert "Ihre Nachricht ist angekommen" in done
