"""How people of a drill come in: signed calls that follow the menus, a mail provider's webhook, the public form."""

import base64
import re
import threading
import time
from collections.abc import Callable
from html import unescape
from typing import Any

import requests
from django.conf import settings
from django.utils import timezone
from urllib3 import PoolManager

from triage.drill.contacts import Contact
from voice import signature
from voice.models import Line
from voice.simulator import grammar
from voice.simulator.documents import words
from voice.simulator.http import over_http
from voice.simulator.player import Player
from voice.simulator.state import Call, Number, parameters
from voice.simulator.webhooks import Webhooks

# Seconds that a sender waits for an answer, and how often a provider would send again.
PATIENCE = 15
TRIES = 4
# Connections for calls that are kept open.
CALLS_AT_ONCE = 32
# Steps after which a caller has heard enough.
STEPS = 8
# Faults of documents that are written down of a call.
FAULTS = 5
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
        self._way = over_http(PoolManager(maxsize=CALLS_AT_ONCE), settings.PUBLIC_URL, self._base)

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
        except requests.RequestException as error:
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
        line["number"], line["line"] = person.number, target.key
        at = f"{settings.PUBLIC_URL}/voice/{target.key}"
        said = parameters(
            caller=person.number, number=target.number, account=settings.TWILIO_ACCOUNT_SID, sid=person.call_sid
        )
        call = Call(Number(f"{at}/answer/", f"{at}/status/"), said)
        faults: list[str] = []
        player = Player(
            call, Webhooks(self._way, signature.sign_url), inspect=lambda body: faults.extend(grammar.faults(body))
        )
        player.dial()
        line["accepted"] = bool(call.document)
        line["heard"] = words(player.played()) if call.document else ""
        line["callback"] = _ask_for_callback(player) if person.habit == "callback" else False
        player.hang_up()
        if faults:
            line["faults"] = faults[:FAULTS]
        if failed := next((one for one in call.log if one.error), None):
            line["error"] = f"{failed.error} {failed.why}"[:200]


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


def _ask_for_callback(player: Player) -> bool:
    """Waits until the menu is heard, while nobody answers, and presses 1. Whether an answer came to that."""
    for _ in range(STEPS):
        if player.call.over:
            break
        if player.call.wait.what == "keys":
            return not player.press("1").call.error
        player.time_out()
    return False
