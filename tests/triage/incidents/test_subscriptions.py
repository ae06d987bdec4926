"""Status updates by mail: asked twice before the first, each update once, and out again with one POST."""

import re

import pytest
from django.utils import timezone

from tests.tickets import smtp_server
from tickets import intake, journal, outbox
from tickets.models import Arrival, Identity, Lane, Outgoing, Requester
from triage.incidents import jobs, mode
from triage.models import Job, Subscriber
from triage.status import subscribers, subscriptions

pytestmark = pytest.mark.django_db
JO = "jo@example.org"


@pytest.fixture
def smtp(settings):
    handler = smtp_server.Handler()
    controller = smtp_server.start(handler)
    settings.EMAIL_BACKEND = "tickets.mail.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MAIL_RATE = "127.0.0.1", controller.port, 10_000
    yield handler
    controller.stop()


@pytest.fixture
def entered(asked, maya):
    return lambda **choices: mode.enter(mode.preview(asked(**choices), maya).token, maya)


def ask(client, email=JO, **more):
    answer = client.post("/status/subscription/", {"email": email, **more}, headers={"Accept-Language": "de"})
    intake.understand_all()
    return answer


def link_in(text):
    return re.search(r"https?://[^/]+(/status/subscription/\S+/)", text)[1]


def subscribe(client, email=JO):
    ask(client, email)
    client.post(link_in(Outgoing.objects.filter(to=email, group="subscription").latest("pk").text))
    intake.understand_all()
    return Subscriber.objects.get(email=email)


def work_off():
    for job in Job.objects.filter(state="queued"):
        jobs.expand(job.pk)


def test_who_asks_and_confirms_gets_each_update_once_in_their_language(client, maya, entered, smtp):
    assert "Postfach" in ask(client).content.decode()
    question = Outgoing.objects.get()
    assert (question.to, question.subject[:8]) == (JO, "Möchten ")
    assert not subscribers.subscribed().exists()
    link = link_in(question.text)
    assert "Confirm" in client.get(link).content.decode()
    assert not subscribers.subscribed().exists()  # scanners follow links
    client.post(link, headers={"Accept-Language": "de"})
    intake.understand_all()
    assert subscribers.subscribed().get().email == JO
    incident = entered()
    mode.post_update(incident, "identified", "A disk is slow.", maya)
    mode.post_update(incident, "identified", "A disk is slow.", maya)
    mode.leave(incident, maya, "It works again.")
    work_off()
    outbox.send_due(Lane.BULK)
    told = [message for message in smtp.got if message["List-Unsubscribe"]]
    assert [message["Subject"].partition("]")[0] for message in told] == [
        "[Wird untersucht",
        "[Ursache gefunden",
        "[Behoben",
    ]
    for message in told:
        assert message["To"] == JO
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["Auto-Submitted"] == "auto-generated"
        assert "Abbestellen" in message.get_body(("plain",)).get_content()
    assert "A disk is slow." in told[1].get_body(("plain",)).get_content()
    assert not Outgoing.objects.exclude(state="sent").exists()


def test_one_post_ends_it_as_mail_programs_send_it(client, maya, entered):
    person = subscribe(client)
    link = "/" + subscriptions.leave_url(person.email).split("/", 3)[3]
    assert "Unsubscribe" in client.get(link).content.decode()
    assert subscribers.subscribed().exists()
    answer = client.post(link, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    intake.understand_all()
    assert not subscribers.subscribed().exists()
    entered()
    assert not Job.objects.filter(kind="update").exists()
    subscribe_again = client.post(link.removesuffix("leave/"))
    intake.understand_all()
    assert subscribe_again.status_code == 200
    assert subscribers.subscribed().exists()


def test_nobody_can_be_bombed_and_nobody_learns_who_subscribes(client):
    first = ask(client)
    for _ in range(5):
        ask(client)
    assert Outgoing.objects.count() == 1
    client.post(link_in(Outgoing.objects.get().text))
    intake.understand_all()
    Outgoing.objects.all().update(created_at=timezone.now())
    assert ask(client).content == first.content
    assert Outgoing.objects.count() == 1


def test_requests_are_no_contacts(client):
    ask(client)
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"step"}
    assert Identity.objects.get(value=JO).requester.tickets.count() == 0


@pytest.mark.parametrize(("sent", "status"), [({"email": "jo"}, 422), ({}, 422), ({"email": JO, "website": "x"}, 422)])
def test_what_is_no_address_comes_back_named(client, sent, status):
    answer = client.post("/status/subscription/", sent)
    assert answer.status_code == status
    assert "no email address" in answer.content.decode()
    assert not Arrival.objects.exists()


@pytest.mark.parametrize("path", ["", "leave/"])
def test_a_link_that_we_did_not_make_leads_nowhere(client, path):
    for method in (client.get, client.post):
        assert method(f"/status/subscription/{subscriptions.token_of(JO)}x/{path}").status_code == 404


def test_what_cannot_be_kept_is_not_confirmed(client, monkeypatch):
    def full(incoming):
        raise journal.NotKept("full")

    monkeypatch.setattr(journal, "accept", full)
    answer = client.post("/status/subscription/", {"email": JO})
    assert answer.status_code == 503
    assert "try again" in answer.content.decode()


def test_the_manager_sees_how_many_will_be_told(client, asked, maya):
    subscribe(client)
    assert mode.preview(asked(), maya).effects["status"]["subscribers"] == 1


def test_hundreds_are_told_in_few_queries(client, entered, django_assert_max_num_queries):
    people = Requester.objects.bulk_create([Requester(name=str(n)) for n in range(600)])
    Subscriber.objects.bulk_create(
        [
            Subscriber(requester=person, email=f"p{n}@example.org", confirmed_at=timezone.now())
            for n, person in enumerate(people)
        ]
    )
    entered()
    job = Job.objects.get(kind="update")
    with django_assert_max_num_queries(75):
        jobs.expand(job.pk)
    job.refresh_from_db()
    assert (job.state, job.expanded, job.total) == ("sent", 600, 600)
    assert Outgoing.objects.filter(kind="update").count() == 600
