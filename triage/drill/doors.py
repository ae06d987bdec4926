"""How people of a drill come in: signed calls that follow the menus, a mail provider's webhook, the public form."""

import base64
import re
import threading
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

import requests
from django.conf import settings
from django.utils import timezone

from triage.drill.contacts import Contact
from voice import signature
from voice.models import Line

# Seconds that a sender waits for an answer, and how often a provider would send again.
PATIENCE = 15
TRIES = 4
# Steps after which a caller has heard enough.
STEPS = 8
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')

# One line of the record, filled in as the person fares.
Trace = dict[str, Any]


class Street:
    """The street before our doors: carries people to `base` and writes down how they fared."""

    def __init__(self, base: str, lines: list[Line]) -> None:
        self._base = base.rstrip("/")
        self._lines = lines
        self._local = threading.local()

    def visit(self, person: Contact) -> Trace:
        """Sends one person in and returns the record's line. Never raises: a door that fails is part of the record."""
        line: Trace = {
            "token": person.token,
            "medium": person.medium,
            "at": timezone.now().isoformat(),
            "accepted": False,
        }
        way: dict[str, Callable[[Contact, Trace], None]] = {"phone": self._call, "email": self._mail, "web": self._form}
        try:
            way[person.medium](person, line)
        except (requests.RequestException, ElementTree.ParseError) as error:
            line["error"] = str(error)[:200]
        return line

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        return self._local.session

    # ── mail and form ──────────────────────────────────────────────────────────────────────────────────────────────

    def _mail(self, person: Contact, line: Trace) -> None:
        line["email"] = person.email
        secret = base64.b64encode(mail_secret().encode()).decode()
        message = {
            "From": person.email,
            "FromFull": {"Email": person.email, "Name": person.name, "MailboxHash": ""},
            "ToFull": [{"Email": settings.SUPPORT_ADDRESS, "Name": "", "MailboxHash": ""}],
            "To": settings.SUPPORT_ADDRESS,
            "CcFull": [],
            "BccFull": [],
            "Subject": person.subject,
            "MessageID": person.token,
            "Date": timezone.now().strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "TextBody": person.text,
            "HtmlBody": "",
            "Headers": [{"Name": "Message-ID", "Value": f"<{person.token}@customer.example>"}],
            "Attachments": [],
        }
        for _ in range(TRIES):
            answer = self._session.post(
                f"{self._base}/mail/in/postmark/",
                json=message,
                headers={"Authorization": f"Basic {secret}"},
                timeout=PATIENCE,
            )
            if answer.ok:
                line["accepted"] = True
                return
            line["error"] = f"HTTP {answer.status_code}"
            time.sleep(0.5)

    def _form(self, person: Contact, line: Trace) -> None:
        line["email"] = person.email
        page = self._session.get(f"{self._base}/help/", timeout=PATIENCE)
        fields = hidden_fields(page.text) | {
            "name": person.name,
            "email": person.email,
            "subject": person.subject,
            "message": person.text,
            "language": "en",
        }
        for _ in range(TRIES):
            answer = self._session.post(f"{self._base}/help/", data=fields, timeout=PATIENCE, allow_redirects=False)
            if answer.status_code in (302, 303):
                line["accepted"] = True
                return
            line["error"] = f"HTTP {answer.status_code}"
            time.sleep(0.5)

    # ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, person: Contact, line: Trace) -> None:
        target = self._lines[int(person.token[:8], 16) % len(self._lines)]
        call = {
            "CallSid": person.call_sid,
            "AccountSid": settings.TWILIO_ACCOUNT_SID or "AC" + "0" * 32,
            "From": person.number,
            "To": target.number,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
        }
        line["number"], line["line"] = person.number, target.key
        path, said, pressed = f"/voice/{target.key}/answer/", call, False
        for _ in range(STEPS):
            document = self._webhook(path, said)
            line["accepted"] = True
            line["heard"] = line.get("heard") or heard(document)
            step = next_step(document, wants_callback=person.habit == "callback" and not pressed)
            if step is None:
                break
            pressed = pressed or step.get("Digits") == "1"
            path, said = urljoin(path, step.pop("path")), call | {"CallStatus": "in-progress"} | step
        line["callback"] = pressed
        self._webhook(f"/voice/{target.key}/status/", call | {"CallStatus": "completed", "CallDuration": "20"})

    def _webhook(self, path: str, params: dict[str, str]) -> ElementTree.Element:
        """One signed request as Twilio sends it; a second try as it would on a failed connection."""
        answer = self._session.post(
            self._base + path,
            data=params,
            headers={"X-Twilio-Signature": signature.sign(path, params)},
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        return ElementTree.fromstring(answer.text or "<Response/>")  # noqa: S314  our own answer


def mail_secret() -> str:
    """What the provider's webhook presents."""
    return settings.MAIL_WEBHOOK_SECRETS[0] if settings.MAIL_WEBHOOK_SECRETS else ""


def hidden_fields(page: str) -> dict[str, str]:
    """Names and values of a page's hidden inputs."""
    found = {}
    for tag in HIDDEN.findall(page):
        attributes = {name: unescape(value) for name, value in ATTRIBUTE.findall(tag)}
        if "name" in attributes:
            found[attributes["name"]] = attributes.get("value", "")
    return found


def heard(document: ElementTree.Element) -> str:
    """All that a TwiML document says or plays, in order, white space folded."""
    words = [verb.text or "" for verb in document.iter() if verb.tag in ("Say", "Play")]
    return " ".join(" ".join(words).split())


def next_step(document: ElementTree.Element, wants_callback: bool) -> dict[str, str] | None:
    """The request that follows: a key, a ring group that nobody answers, a redirect; None: the caller hangs up."""
    for verb in document:
        action = verb.get("action", "")
        if verb.tag == "Gather" and wants_callback and action:
            return {"path": action, "Digits": "1"}
        if verb.tag == "Dial" and action:
            return {"path": action, "DialCallStatus": "no-answer"}
        if verb.tag == "Redirect" and wants_callback:
            return {"path": (verb.text or "").strip()}
        if verb.tag == "Hangup":
            return None
    return None
