"""Looks before the storm: everything outside of us that callers depend on, what they would notice, how to mend it."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

import requests
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from tickets import changes
from tickets.numbers import readable
from tickets.work import TransportError
from voice import fallback, number_setup, shared_fate, signature
from voice.audio import BadAudio, check
from voice.findings import FAULT, OK, UNKNOWN, WARNING, Finding
from voice.models import Line, PreflightReport
from voice.twilio_client import NoTelephone, Telephone, telephone

# Seconds for one request, and bytes of a recording that are read.
PATIENCE, LARGEST = 5, 10_000_000


def run() -> list[Finding]:
    """All checks, in the order in which they matter. Nothing is changed and nothing is raised."""
    found = [*_signature(), *shared_fate.look(), *_fallback()]
    try:
        line = telephone()
    except NoTelephone as error:
        missing = Finding(
            FAULT,
            "Account",
            "No Twilio account is set up.",
            "No call reaches us; only the simulator can call.",
            str(error),
        )
        return [missing, *found]
    return [
        *_asked("Account", _account, line),
        *_asked("Numbers", _numbers, line),
        *_asked("Countries", _countries, line),
        *found,
    ]


def report() -> PreflightReport:
    """Runs all checks and keeps what was found; the newest report is the one that pages show."""
    begun = timezone.now()
    made = PreflightReport.objects.create(made_at=begun, findings=[asdict(one) for one in run()])
    PreflightReport.objects.filter(pk__lt=made.pk).delete()
    changes.bump("preflight")
    return made


def _asked(about: str, ask: Callable[[Telephone], Iterator[Finding]], line: Telephone) -> list[Finding]:
    try:
        return list(ask(line))
    except TransportError as error:
        refused = error.permanent
        return [
            Finding(
                FAULT if refused else UNKNOWN,
                about,
                f"{error}",
                "Callbacks and texts fail." if refused else "",
                "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKENS." if refused else "Run it again in a few minutes.",
            )
        ]


# ── the account ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _account(line: Telephone) -> Iterator[Finding]:
    account = line.account()
    if account["status"] != "active":
        yield Finding(
            FAULT, "Account", f"The account is {account['status']}.", "No call is answered and none is placed.",
            "Settle it in Twilio's console.",
        )  # fmt: skip
        return
    yield Finding(OK, "Account", "The credentials are right, and the account is active.")
    if account["type"] == "Trial":
        yield Finding(
            FAULT, "Concurrency", "It is a trial account: 5 calls at once.",
            "The sixth caller hears nothing of ours, and callbacks reach verified numbers only.",
            "Upgrade the account.",
        )  # fmt: skip
    else:
        yield _profile(line)
    per_second = settings.CALLS_PER_SECOND
    if per_second > 1:
        yield Finding(
            WARNING, "Calls per second", f"CALLS_PER_SECOND is {per_second:g}; Twilio allows 1 unless it was raised.",
            "Callbacks beyond the account's rate wait at Twilio, and agents' phones ring late.",
            "Compare it with the account's limit in Twilio's console.",
        )  # fmt: skip
    else:
        yield Finding(OK, "Calls per second", f"{per_second:g}, which every account has.")


def _profile(line: Telephone) -> Finding:
    try:
        approved = line.approved_profiles()
    except TransportError as error:
        return Finding(
            UNKNOWN, "Concurrency", f"The customer profile could not be read: {error}",
            "Without an approved profile, 2 calls at once.", "Look under Trust Hub in Twilio's console.",
        )  # fmt: skip
    if approved:
        return Finding(OK, "Concurrency", "The customer profile is approved.")
    return Finding(
        FAULT, "Concurrency", "The account has no approved customer profile: 2 calls at once (3 for an individual).",
        "Under load, agents' calls to customers fail.", "Have a business profile approved under Trust Hub.",
    )  # fmt: skip


def _numbers(line: Telephone) -> Iterator[Finding]:
    for ours in Line.objects.filter(active=True):
        about = f"{ours.name} {readable(ours.number)}"
        found = line.number(ours.number)
        if found is None:
            yield Finding(
                FAULT, about, "The account has no such number.", "Whoever dials it does not reach us.",
                "Buy or port the number, or correct the line.",
            )  # fmt: skip
            continue
        yield from _number(ours, about, found)


def _number(ours: Line, about: str, found: dict[str, Any]) -> Iterator[Finding]:
    if found["voice_application_sid"] or found["trunk_sid"]:
        by = "a TwiML application" if found["voice_application_sid"] else "a SIP trunk"
        yield Finding(
            FAULT, about, f"It is answered by {by}: its own addresses are ignored.", "Calls do not reach us.",
            "Take it off in Twilio's console.",
        )  # fmt: skip
    if not (found["capabilities"] or {}).get("sms"):
        yield Finding(
            WARNING, about, "It cannot send text messages.", "Nobody gets the status page by text from this line.",
            "Use a number with SMS.",
        )  # fmt: skip
    should = number_setup.wanted(ours.key)
    wrong = number_setup.drift(found, should)
    mend = f"`manage.py preflight --mend` sets it; the old set-up is kept. Line: {ours.key}"
    if fallback.url_of(ours.key) and wrong.get("voice_url", "").partition("#")[0] == fallback.url_of(ours.key):
        yield Finding(
            WARNING, about, "It is pointed at the fallback.", "Callers hear the message and can press nothing.",
            "`manage.py lines repoint --to home`",
        )  # fmt: skip
        wrong = {part: value for part, value in wrong.items() if not part.startswith("voice_")}
    for part, value in wrong.items():
        name, notice = number_setup.PARTS[part]
        level = WARNING if part in ("status_callback", "sms_url") else FAULT
        yield Finding(
            level, about, f"{name.capitalize()}: {value or 'nothing'} instead of {should[part]}", notice, mend
        )
    if not wrong and not (found["voice_application_sid"] or found["trunk_sid"]):
        yield Finding(OK, about, "It is set up as it should be.")


def _countries(line: Telephone) -> Iterator[Finding]:
    known = {country["iso_code"]: country for country in line.dialing_countries()}
    closed = [code for code in settings.CALL_COUNTRIES if not known.get(code, {}).get("low_risk_numbers_enabled")]
    if closed:
        yield Finding(
            FAULT, "Countries", f"The account may not call {', '.join(closed)}.", "Callbacks there fail.",
            "Allow them under Voice geographic permissions, or take them out of CALL_COUNTRIES.",
        )  # fmt: skip
    else:
        yield Finding(OK, "Countries", f"The account may call all {len(settings.CALL_COUNTRIES)} of CALL_COUNTRIES.")
    risky = sorted(
        code
        for code, country in known.items()
        if country["high_risk_special_numbers_enabled"] or country["high_risk_tollfraud_numbers_enabled"]
    )
    if risky:
        yield Finding(
            WARNING, "Countries", f"Numbers with a high risk of fraud may be called in {', '.join(risky[:10])}.", "",
            "We refuse them; switch them off in Twilio's console as well.",
        )  # fmt: skip
    yield Finding(
        UNKNOWN, "Countries", "Twilio cannot be asked where texts may go.", "Texts elsewhere are not delivered.",
        "Compare CALL_COUNTRIES with Messaging geographic permissions.",
    )  # fmt: skip


# ── our own doors ────────────────────────────────────────────────────────────────────────────────────────────────────


def _signature() -> Iterator[Finding]:
    """Signs a request to ourselves through the public address, and one wrongly."""
    path = reverse("voice_self_test")
    params = {"echo": secrets.token_hex(8)}
    try:
        signed = {"X-Twilio-Signature": signature.sign(path, params)}
        right = requests.post(settings.PUBLIC_URL + path, params, headers=signed, timeout=PATIENCE)
        wrong = requests.post(
            settings.PUBLIC_URL + path, params, headers={"X-Twilio-Signature": "no"}, timeout=PATIENCE
        )
    except (requests.RequestException, LookupError) as error:
        yield Finding(
            FAULT, "Public address", f"{settings.PUBLIC_URL} does not answer from here: {str(error)[:200]}",
            "Calls go to the fallback, or end with “an application error has occurred”.",
            "Correct PUBLIC_URL, or let this host reach it.",
        )  # fmt: skip
        return
    if right.status_code == 403:
        yield Finding(
            FAULT, "Signature", "A request that is signed as Twilio signs is refused at the public address.",
            "Every call is refused: callers hear “an application error has occurred”.",
            "PUBLIC_URL must be exactly what Twilio calls: scheme, host, port, and no rewritten path.",
        )  # fmt: skip
    elif right.status_code != 200 or right.text != params["echo"]:
        yield Finding(
            FAULT, "Public address", f"{settings.PUBLIC_URL} is answered by something else ({right.status_code}).",
            "Calls do not reach us.", "Correct PUBLIC_URL, or the proxy before it.",
        )  # fmt: skip
    elif wrong.status_code != 403:
        yield Finding(
            FAULT, "Signature", "A request with a wrong signature is let in.", "Anybody may write calls into our list.",
            "Something before us answers in our place: look at the proxy.",
        )  # fmt: skip
    else:
        yield Finding(OK, "Signature", "A signed request passes through the public address, a wrong one is refused.")


def _fallback() -> Iterator[Finding]:
    if not settings.FALLBACK_URL:
        yield Finding(
            FAULT, "Fallback", "FALLBACK_URL is not set.",
            "When nothing of ours answers, callers hear “an application error has occurred”.",
            "Put the export on a static host elsewhere and set FALLBACK_URL.",
        )  # fmt: skip
        return
    for line in Line.objects.filter(active=True):
        yield _document(f"Fallback of {line.name}", fallback.url_of(line.key))


def _document(about: str, url: str) -> Finding:
    """The document as Twilio would fetch it, and every recording in it."""
    mend = "Let the storage be read by everybody at FALLBACK_URL, and look whether the export is written."
    try:
        answer = requests.get(url, timeout=PATIENCE)
        answer.raise_for_status()
        root = ElementTree.fromstring(answer.content)  # noqa: S314  our own export
        if root.tag != "Response":
            raise ValueError("it is no TwiML document")
        for play in root.iter("Play"):
            sound = requests.get(urljoin(url, play.text or ""), timeout=PATIENCE)
            sound.raise_for_status()
            check(sound.content[:LARGEST])
    except BadAudio as error:
        return Finding(FAULT, about, f"A recording cannot be played: {error}", "Callers hear silence.", mend)
    except (requests.RequestException, ElementTree.ParseError, ValueError) as error:
        return Finding(
            FAULT, about, f"{url}: {str(error)[:200]}",
            "When nothing of ours answers, callers hear “an application error has occurred”.", mend,
        )  # fmt: skip
    return Finding(OK, about, f"{url} answers, and what it plays can be played.")
