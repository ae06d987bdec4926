"""Mail by a provider's API: our headers in every provider's form, many mails to a call, and whose fault is whose."""

import json
import pkgutil
import time
from importlib import import_module

import anymail.backends
import pytest
from anymail.backends.base import BasePayload
from django.conf import settings
from django.utils import timezone

from tests.tickets.mail.provider import provider
from tests.tickets.test_outbox import bulk
from tickets import outbox
from tickets.channels.providers import PROVIDERS
from tickets.mail import compose, senders
from tickets.models import Identity, Lane, Outgoing, Rate

pytestmark = [
    pytest.mark.django_db,
    # Of SendGrid: anymail has no account there to test with any more.
    pytest.mark.filterwarnings("ignore:django-anymail has dropped"),
]
# Not providers, old names of others, and those of whom we know too little.
OTHERS = {"base", "base_requests", "console", "test", "sendinblue", "scaleway", "unisender_go"}
KEYS = {
    "AMAZON_SES_CLIENT_PARAMS": {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"},
    "BREVO_API_KEY": "k", "MAILERSEND_API_TOKEN": "k", "MAILGUN_API_KEY": "k", "MAILJET_API_KEY": "k",
    "MAILJET_SECRET_KEY": "k", "MAILTRAP_API_TOKEN": "k", "MANDRILL_API_KEY": "k", "POSTAL_API_KEY": "k",
    "POSTAL_API_URL": "https://postal.example.com", "POSTMARK_SERVER_TOKEN": "k", "RESEND_API_KEY": "k",
    "SENDGRID_API_KEY": "k", "SPARKPOST_API_KEY": "k",
}  # fmt: skip


def backend_of(name):
    return import_module(f"anymail.backends.{name}").EmailBackend()


@pytest.fixture
def by(settings):
    def choose(name, url=""):
        settings.MAIL_PROVIDER = name
        settings.EMAIL_BACKEND = f"anymail.backends.{name}.EmailBackend"
        settings.ANYMAIL = {**settings.ANYMAIL, **KEYS}
        if url:
            settings.ANYMAIL[f"{name.upper()}_API_URL"] = url
        settings.MAIL_RATE = 10_000

    return choose


def rows_for(open_ticket, count, **more):
    tickets = [open_ticket(f"p{number}@example.org") for number in range(count)]
    return [
        bulk(ticket, f"p{number}@example.org", text=f"It works again, {number}.\n", html=f"<p>{number}</p>", **more)
        for number, ticket in enumerate(tickets)
    ]


def states():
    return dict(Outgoing.objects.values_list("to", "state"))


# ── every provider ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_provider_that_anymail_sends_by_is_known():
    names = {module.name for module in pkgutil.iter_modules(anymail.backends.__path__)}
    assert set(senders.SENDERS) == names - OTHERS


@pytest.mark.parametrize("name", sorted(senders.SENDERS))
def test_its_events_are_read_by_a_view_of_anymail(name, settings):
    settings.ANYMAIL = {**KEYS, senders.SENDERS[name].secret: "whsec_c2VjcmV0", "WEBHOOK_SECRET": "a:b"}
    assert senders.view_of(name, "https://support.example.com/").esp_name


@pytest.mark.parametrize("kind", ["reply", "ack", "broadcast"])
@pytest.mark.parametrize("name", sorted(senders.SENDERS))
def test_a_mail_can_be_written_in_its_form_with_our_headers(name, kind, by, open_ticket, agent):
    by(name)
    ticket = open_ticket()
    if kind == "reply":
        row = outbox.queue_reply(ticket, agent, "Grüße & <b>Dank</b>.")
    else:
        row = bulk(ticket, kind=kind, text="Größer", html="<p>Größer</p>")
    backend = backend_of(name)
    payload = backend.build_message_payload(compose.message_for(row), backend.send_defaults)
    written = _written(payload)
    assert row.message_id in written
    assert row.headers["Reply-To"] in written
    assert row.headers["References"] in written
    assert ("X-PM-KeepID" in written) == (name == "postmark")
    if kind != "reply":
        assert "Auto-Submitted" in written
    if senders.SENDERS[name].labels:
        assert f'"row": "{row.pk}"' in written or f"'row': '{row.pk}'" in written or f"'v:row': '{row.pk}'" in written


def _written(payload):
    """The request as text, what is JSON inside it unpacked."""
    if hasattr(payload, "mime_message"):
        raw = payload.mime_message.as_string()
        return raw.replace("\n ", " ") + json.dumps(payload.params, default=str)
    data = payload.serialize_data()
    text = data if isinstance(data, str) else str(data)
    try:
        return json.dumps(json.loads(text), ensure_ascii=False).replace('\\"', '"')
    except ValueError:
        return text


@pytest.mark.parametrize("name", sorted(senders.SENDERS))
def test_what_the_table_says_of_merging_and_labels_is_what_anymail_can(name, by):
    by(name)
    backend = backend_of(name)
    row = Outgoing(to="a@example.org", subject="s", text="t", html="h", message_id="<1@x>", kind="broadcast")
    payload = type(backend.build_message_payload(compose.message_for(row), backend.send_defaults))
    can = {what for what in ("merge_data", "merge_headers", "metadata") if _does(payload, f"set_{what}")}
    if senders.SENDERS[name].merge:
        assert can == {"merge_data", "merge_headers", "metadata"}
    if senders.SENDERS[name].labels:
        assert "metadata" in can


def _does(payload, method):
    return getattr(payload, method) is not getattr(BasePayload, method)


# ── many to a call ───────────────────────────────────────────────────────────────────────────────────────────────────


def mailgun(call):
    return 200, {"id": "<20260301120000.1@acme.example>", "message": "Queued. Thank you."}


def test_many_mails_leave_in_one_call_each_with_words_and_headers_of_its_own(by, open_ticket):
    rows = rows_for(open_ticket, 40)
    with provider(mailgun) as played:
        by("mailgun", f"{played.url}/v3")
        assert outbox.send_due(Lane.BULK) == 40
    (call,) = played.calls
    assert call.path == "/v3/example.com/messages"
    variables = json.loads(call.body["recipient-variables"])
    assert set(variables) == {row.to for row in rows}
    for row in rows:
        theirs = variables[row.to]
        assert (theirs["subject"], theirs["text"], theirs["html"]) == (row.subject, row.text, row.html)
        assert theirs["h:Message-Id"] == row.message_id
        assert theirs["h:Reply-To"] == row.headers["Reply-To"]
        assert theirs["v:row"] == str(row.pk)
    assert (call.body["subject"], call.body["text"], call.body["html"]) == (
        "%recipient.subject%", "%recipient.text%", "%recipient.html%"
    )  # fmt: skip
    assert call.body["h:Message-Id"] == "%recipient.h:Message-Id%"
    assert set(states().values()) == {"sent"}
    assert set(Outgoing.objects.values_list("provider_id", flat=True)) == {"<20260301120000.1@acme.example>"}


def test_sparkpost_merges_by_its_own_names(by, open_ticket):
    rows = rows_for(open_ticket, 3)
    said = {"results": {"id": "77", "total_accepted_recipients": 3, "total_rejected_recipients": 0}}
    with provider(lambda call: (200, said)) as played:
        by("sparkpost", f"{played.url}/api/v1")
        outbox.send_due(Lane.BULK)
    (call,) = played.calls
    content = call.body["content"]
    assert (content["subject"], content["text"], content["html"]) == ("{{subject}}", "{{text}}", "{{{html}}}")
    assert content["headers"]["Message-ID"] == "{{Header__Message_Id}}"
    assert [one["substitution_data"]["Header__Message_Id"] for one in call.body["recipients"]] == [
        row.message_id for row in rows
    ]
    assert set(states().values()) == {"sent"}


def test_a_call_of_which_the_provider_does_not_say_whom_it_took_is_in_doubt_until_its_events_tell(
    by, open_ticket, client, settings
):
    rows = rows_for(open_ticket, 2)
    said = {"results": {"id": "77", "total_accepted_recipients": 1, "total_rejected_recipients": 1}}
    with provider(lambda call: (200, said)) as played:
        by("sparkpost", f"{played.url}/api/v1")
        outbox.send_due(Lane.BULK)
    assert set(states().values()) == {"uncertain"}
    settings.ANYMAIL["WEBHOOK_SECRET"] = "a:b"
    event = {"message_id": "1", "transmission_id": "77", "timestamp": "1772366400", "event_id": "9"}
    kinds = [{"type": "delivery"}, {"type": "bounce", "bounce_class": "10"}]
    events = [
        {"msys": {"message_event": {**event, **kind, "rcpt_to": row.to, "rcpt_meta": {"row": str(row.pk)}}}}
        for row, kind in zip(rows, kinds, strict=True)
    ]
    answer = client.post(
        "/mail/tracking/sparkpost/", events, content_type="application/json", headers={"Authorization": "Basic YTpi"}
    )
    assert answer.status_code == 200
    assert states() == {rows[0].to: "sent", rows[1].to: "failed"}


def test_one_bad_address_in_a_call_holds_up_nobody(by, open_ticket):
    rows_for(open_ticket, 12)
    Outgoing.objects.filter(to="p5@example.org").update(to="p5@bad.example.org")

    def answer(call):
        if "p5@bad.example.org" in str(call.body["to"]):
            return 400, {"message": "to parameter is not a valid address"}
        return mailgun(call)

    with provider(answer) as played:
        by("mailgun", f"{played.url}/v3")
        outbox.send_due(Lane.BULK)
    found = states()
    assert found.pop("p5@bad.example.org") == "failed"
    assert set(found.values()) == {"sent"}
    assert len(played.calls) < 12
    taken = [to for call in played.calls if "bad" not in str(call.body["to"]) for to in _recipients(call)]
    assert sorted(taken) == sorted(found)


def _recipients(call):
    to = call.body["to"]
    return to if isinstance(to, list) else [part.strip() for part in to.split(",")]


def test_words_that_could_be_taken_for_a_name_go_alone(by, open_ticket):
    rows_for(open_ticket, 3)
    ticket = open_ticket("odd@example.org")
    bulk(ticket, "odd@example.org", text="Write %recipient.text% here.\n", html="<p>x</p>")
    with provider(mailgun) as played:
        by("mailgun", f"{played.url}/v3")
        outbox.send_due(Lane.BULK)
    assert sorted(len(_recipients(call)) for call in played.calls) == [1, 3]
    alone = next(call for call in played.calls if len(_recipients(call)) == 1)
    assert alone.body["text"] == "Write %recipient.text% here.\n"
    assert "recipient-variables" not in alone.body
    assert set(states().values()) == {"sent"}


def test_an_address_stands_once_in_a_call_and_who_wants_no_mail_in_none(by, open_ticket):
    rows_for(open_ticket, 3)
    bulk(open_ticket("P1@example.org"), "P1@example.org", about=("update:2",), html="<p>again</p>")
    Identity.objects.filter(value="p2@example.org").update(suppressed_at=timezone.now(), suppressed_why="complained")
    with provider(mailgun) as played:
        by("mailgun", f"{played.url}/v3")
        outbox.send_due(Lane.BULK)
    assert sorted(_recipients(call) for call in played.calls) == [
        ["P1@example.org"],
        ["p0@example.org", "p1@example.org"],
    ]
    assert states()["p2@example.org"] == "suppressed"


@pytest.mark.parametrize(("status", "state"), [(401, "queued"), (429, "queued"), (500, "queued"), (504, "uncertain")])
def test_a_fault_of_the_provider_is_no_fault_of_a_mail(status, state, by, open_ticket):
    rows_for(open_ticket, 5)
    with provider(lambda call: (status, {"message": "no"})) as played:
        by("mailgun", f"{played.url}/v3")
        outbox.send_due(Lane.BULK)
    assert len(played.calls) == 1
    assert set(states().values()) == {state}
    if state == "queued":
        assert Rate.objects.get(name="mail").next_at > timezone.now()


def test_a_provider_that_hangs_up_leaves_one_call_in_doubt(by, open_ticket):
    rows_for(open_ticket, 5)
    left = rows_for_more(open_ticket)

    def hang_up(call):
        raise ConnectionError

    with provider(hang_up) as played:
        by("mailgun", f"{played.url}/v3")
        outbox.send_due(Lane.BULK)
    assert len(played.calls) == 1
    found = states()
    assert [found.pop(row.to) for row in left] == ["queued"]
    assert set(found.values()) == {"uncertain"}


def rows_for_more(open_ticket):
    """One that differs in form, so that it goes in a call of its own."""
    return [bulk(open_ticket("plain@example.org"), "plain@example.org")]


def test_as_many_leave_as_the_rate_lets_them(by, open_ticket, settings):
    rows_for(open_ticket, 30)
    with provider(mailgun) as played:
        by("mailgun", f"{played.url}/v3")
        settings.MAIL_RATE = 1
        began = time.monotonic()
        outbox.send_due(Lane.BULK)
        took = time.monotonic() - began
    assert took < outbox.send_due.__defaults__[1]  # it does not wait ten seconds for the next slots
    assert list(states().values()).count("sent") == 10
    assert [len(_recipients(call)) for call in played.calls] == [10]


def test_the_documentation_says_what_the_table_does():
    lines = (settings.BASE_DIR / "docs" / "mail-providers.md").read_text().splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert {row[1]: (row[2], row[3], row[4], row[5]) for row in rows[1:]} == {
        name: (
            "yes" if sender.keeps_message_id else "no",
            f"up to {sender.merge.most}" if sender.merge else "no",
            sender.secret,
            PROVIDERS[name].secret,
        )
        for name, sender in senders.SENDERS.items()
    }
