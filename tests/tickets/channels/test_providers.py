"""Each provider's inbound webhook in its own form, with its own proof of who it is: kept, read, one however often."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from svix.webhooks import Webhook

from tests.tickets import mailings
from tickets import intake, spool
from tickets.channels.providers import PROVIDERS
from tickets.models import Arrival, Entry, Ticket

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SVIX = "whsec_" + base64.b64encode(b"a secret of a test, long enough").decode()
# Latin-1 on purpose: mail is bytes, and need not be UTF-8.
RAW = mailings.raw_mail("Nothing works since noon.", Message_ID="<one@example.org>").replace(b"noon", b"noon \xe9")
HEADERS = {
    "From": "Jo Doe <jo@example.org>",
    "To": "support@example.com",
    "Subject": "Help",
    "Message-ID": "<one@x.org>",
}


@dataclass
class Post:
    """A request as a provider makes it."""

    data: Any
    content_type: str = "application/json"
    headers: dict[str, str] | None = None

    def send(self, client, provider: str, **headers: str):
        sent = {**(self.headers or {}), **headers}
        kind = {} if self.content_type == "multipart" else {"content_type": self.content_type}
        return client.post(f"/mail/in/{provider}/", self.data, **kind, headers=sent)


def basic() -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(mailings.SECRET.encode()).decode()}


def as_json(event: Any) -> Post:
    return Post(json.dumps(event), headers=basic())


def signed(event: Any, header: str, secret: str) -> Post:
    body = json.dumps(event).encode()
    return Post(body, headers={header: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()})


def amazon_ses() -> Post:
    inner = {
        "notificationType": "Received",
        "mail": {"messageId": "ses1", "source": "jo@example.org", "timestamp": "2026-11-23T09:00:00.000Z"},
        "receipt": {"recipients": ["support@example.com"], "action": {"type": "SNS", "encoding": "BASE64"}},
        "content": base64.b64encode(RAW).decode(),
    }
    body = json.dumps({"Type": "Notification", "MessageId": "m1", "TopicArn": "arn:x", "Message": json.dumps(inner)})
    names = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "m1"}
    return Post(body, "text/plain; charset=UTF-8", {**names, **basic()})


def brevo() -> Post:
    event = {"Uuid": ["u1"], "Headers": HEADERS, "RawTextBody": "Nothing works since noon.", "Attachments": []}
    return as_json({"items": [event]})


def mailersend() -> Post:
    raw = RAW.decode("latin-1").encode().decode()
    data = {"id": "m1", "raw": raw, "sender": {"email": "jo@example.org"}, "recipients": {"rcptTo": []}}
    return signed({"type": "inbound.message", "data": data}, "Signature", "mailersend-secret")


def mailgun_raw() -> Post:
    return Post(mailings.mailgun(RAW), "multipart")


def mailgun_parsed() -> Post:
    fields = mailings.mailgun(b"")
    del fields["body-mime"]
    said = {"message-headers": json.dumps(list(HEADERS.items())), "body-plain": "Nothing works since noon."}
    return Post({**fields, **said}, "multipart")


def mailjet() -> Post:
    return as_json({"Sender": "jo@example.org", "Recipient": "support@example.com", "Headers": HEADERS,
                    "Text-part": "Nothing works since noon.", "Parts": []})  # fmt: skip


def mailtrap() -> Post:
    event = {"event": "inbound.message_received", "inbox_id": 7, "message_id": "m1", "timestamp": 1790000000000}
    return signed({"events": [event]}, "Mailtrap-Signature", "mailtrap-secret")


def mandrill() -> Post:
    message = {"raw_msg": RAW.decode("latin-1"), "email": "support@example.com", "from_email": "jo@example.org"}
    more = {"sender": None, "spam_report": {"score": 0}}
    events = json.dumps([{"event": "inbound", "ts": 1790000000, "msg": {**message, **more}}])
    text = f"https://support.example.com/mail/in/mandrill/mandrill_events{events}"
    signature = base64.b64encode(hmac.new(b"mandrill-key", text.encode(), hashlib.sha1).digest()).decode()
    return Post({"mandrill_events": events}, "multipart", {"X-Mandrill-Signature": signature, **basic()})


def postal() -> Post:
    event = {"id": 5, "message": base64.b64encode(RAW).decode(), "base64": True, "mail_from": "jo@example.org",
             "rcpt_to": "support@example.com"}  # fmt: skip
    body = json.dumps(event).encode()
    signature = KEY.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return Post(body, headers={"X-Postal-Signature": base64.b64encode(signature).decode()})


def postmark_parsed() -> Post:
    return Post(mailings.postmark("Nothing works since noon."), headers=basic())


def postmark_raw() -> Post:
    event = json.loads(mailings.postmark())
    return as_json({**event, "RawEmail": RAW.decode("latin-1")})


def resend() -> Post:
    body = json.dumps({"type": "email.received", "created_at": "2026-11-23T09:00:00Z", "data": {"email_id": "e1"}})
    now = datetime.now(UTC)
    names = {"svix-id": "msg_1", "svix-timestamp": str(int(now.timestamp()))}
    return Post(body, headers={**names, "svix-signature": Webhook(SVIX).sign("msg_1", now, body)})


def sendgrid_raw() -> Post:
    envelope = json.dumps({"from": "jo@example.org", "to": ["support@example.com"]})
    return Post({"email": [RAW], "envelope": envelope}, "multipart", basic())


def sendgrid_parsed() -> Post:
    headers = "".join(f"{name}: {value}\n" for name, value in HEADERS.items())
    return Post({"headers": headers, "text": "Nothing works since noon.", "attachments": "0",
                 "charsets": '{"text": "utf-8"}'}, "multipart", basic())  # fmt: skip


def sparkpost() -> Post:
    content = {"email_rfc822": base64.b64encode(RAW).decode(), "email_rfc822_is_base64": True}
    relayed = {"protocol": "smtp", "msg_from": "jo@example.org", "rcpt_to": "support@example.com", "content": content}
    return as_json([{"msys": {"relay_message": relayed}}])


FORMS: list[tuple[str, Callable[[], Post]]] = [
    ("amazon_ses", amazon_ses), ("brevo", brevo), ("mailersend", mailersend), ("mailgun", mailgun_raw),
    ("mailgun", mailgun_parsed), ("mailjet", mailjet), ("mailtrap", mailtrap), ("mandrill", mandrill),
    ("postal", postal), ("postmark", postmark_parsed), ("postmark", postmark_raw), ("resend", resend),
    ("sendgrid", sendgrid_raw), ("sendgrid", sendgrid_parsed), ("sparkpost", sparkpost),
]  # fmt: skip


@pytest.fixture
def api() -> Iterator[str]:
    """What Mailtrap and Resend are asked for the message that they announce."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            here = f"http://127.0.0.1:{self.server.server_port}"
            body = RAW if self.path == "/raw" else json.dumps(
                {"raw_message_url": f"{here}/raw", "raw": {"download_url": f"{here}/raw"}}).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def secrets(settings, api: str) -> None:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode().strip().splitlines()[1:-1]  # fmt: skip
    settings.PUBLIC_URL = "https://support.example.com"
    settings.ANYMAIL = {
        "WEBHOOK_SECRET": [mailings.SECRET],
        "BREVO_API_KEY": "k",
        "MAILERSEND_INBOUND_SECRET": "mailersend-secret",
        "MAILGUN_WEBHOOK_SIGNING_KEY": mailings.SIGNING_KEY,
        "MAILTRAP_INBOUND_SECRET": "mailtrap-secret",
        "MAILTRAP_API_TOKEN": "t",
        "MAILTRAP_API_URL": api,
        "MANDRILL_WEBHOOK_KEY": "mandrill-key",
        "POSTAL_WEBHOOK_KEY": "".join(public),
        "RESEND_INBOUND_SECRET": SVIX,
        "RESEND_API_KEY": "k",
        "RESEND_API_URL": api,
    }
    # Of providers that sign, no password is asked as well.
    signing = ("mailersend", "mailgun", "mailtrap", "postal", "resend")
    settings.SIGNING = signing


@pytest.fixture
def proven(settings, request):
    """Providers that sign do not send the password."""
    provider = request.getfixturevalue("provider")
    if provider in settings.SIGNING:
        settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": []}


def ids(form: object) -> str:
    return form if isinstance(form, str) else getattr(form, "__name__", "")


def test_every_provider_is_tried():
    assert {provider for provider, _ in FORMS} == set(PROVIDERS)


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize(("provider", "form"), FORMS, ids=ids)
def test_a_delivery_becomes_a_ticket_once(client, proven, provider, form):
    post = form()
    for _ in range(2):
        answer = post.send(client, provider)
        assert answer.status_code == 200, answer.content
    intake.understand_all()
    assert Arrival.objects.count() == 1
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.requester.identities.get().value) == ("Help", "jo@example.org")
    said = ticket.entries.get(kind=Entry.Kind.MESSAGE)
    assert said.visible.startswith("Nothing works since noon")
    assert not ticket.unreadable


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize(("provider", "form"), FORMS, ids=ids)
def test_without_proof_it_is_refused_and_nothing_stored(client, proven, provider, form):
    post = form()
    if provider == "mailgun":
        post.data["signature"] = "0" * 64
    wrong = {name: "wrong" for name in post.headers or {} if name.lower() not in ("svix-id", "svix-timestamp")}
    assert post.send(client, provider, **wrong).status_code in (400, 403)
    assert not Arrival.objects.exists()
    assert not spool.waiting()


@pytest.mark.parametrize("provider", sorted(set(PROVIDERS) - {"mailgun", "mandrill", "resend", "postal"}))
@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
def test_what_is_no_delivery_is_400_with_one_line(client, proven, provider):
    secrets = {"mailersend": ("Signature", "mailersend-secret"), "mailtrap": ("Mailtrap-Signature", "mailtrap-secret")}
    post = signed({"hello": 1}, *secrets[provider]) if provider in secrets else as_json({"hello": 1})
    answer = post.send(client, provider)
    assert (answer.status_code, answer.content.count(b"\n")) == (400, 1)
    assert not Arrival.objects.exists()


def test_several_messages_in_one_request_are_kept_each_for_itself(client):
    def event(number: int) -> dict[str, Any]:
        raw = mailings.raw_mail(f"Message {number}.", From=f"p{number}@example.org")
        content = {"email_rfc822": raw.decode(), "email_rfc822_is_base64": False}
        return {"msys": {"relay_message": {"protocol": "smtp", "msg_from": "", "rcpt_to": "", "content": content}}}

    events = [event(number) for number in range(3)]
    assert as_json([*events, {"msys": {}}]).send(client, "sparkpost").status_code == 200
    assert as_json(events[1:]).send(client, "sparkpost").status_code == 200
    intake.understand_all()
    assert sorted(Ticket.objects.values_list("last_text", flat=True)) == ["Message 0.", "Message 1.", "Message 2."]


def test_amazon_is_asked_for_the_password_first(client):
    post = amazon_ses()
    assert post.headers
    del post.headers["Authorization"]
    answer = post.send(client, "amazon_ses")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="mail"')


def test_a_message_that_cannot_be_fetched_yet_waits(client, settings):
    settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": [], "RESEND_API_URL": "http://127.0.0.1:1/"}
    assert resend().send(client, "resend").status_code == 200
    intake.understand_all()
    assert Arrival.objects.get().state == "waiting"
    assert not Ticket.objects.exists()
