"""Settings that are missing or contradict each other, told when anything starts, each with what to do about it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tickets.channels import mailbox
from triage.alerting import apprise_client

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAIL_SCHEMES = frozenset({"smtp", "smtps", "smtp+tls"})


@register()
def check_settings(**_: Any) -> list[CheckMessage]:
    """All that can be told from the settings alone. Nothing here asks a network or a database."""
    return [*_demo(), *_house(), *_mail(), *_mailboxes(), *_telephone(), *_alerts(), *_folder()]


def _demo() -> Iterator[CheckMessage]:
    if settings.DEMO and (_real_telephone() or _real_mail()):
        yield Error(
            "DEMO=1 beside real Twilio or mail credentials.",
            hint="A demo's accounts are known to everybody. Unset DEMO, or the TWILIO_* and MAIL_* variables.",
            id="breakwater.E001",
        )


def _house() -> Iterator[CheckMessage]:
    if not os.environ.get("SECRET_KEY") and not settings.DEMO and _is_for_real():
        yield Error(
            "SECRET_KEY is not set.",
            hint="Sessions and reply addresses are signed with it on every host. Set it to 50 random characters.",
            id="breakwater.E002",
        )
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme not in ("http", "https") or not public.hostname or public.query or public.fragment:
        yield Error(
            f"PUBLIC_URL is {settings.PUBLIC_URL!r}.",
            hint="Set PUBLIC_URL to the address that customers and Twilio reach us at, as in https://help.example.com",
            id="breakwater.E003",
        )
    try:
        ZoneInfo(settings.BUSINESS_TIME_ZONE)
    except (LookupError, ValueError, OSError):
        yield Error(
            f"BUSINESS_TIME_ZONE {settings.BUSINESS_TIME_ZONE!r} is not known.",
            hint="Set it to a name of the time zone database, as in Europe/London.",
            id="breakwater.E004",
        )
    if settings.DATABASE_URL and not settings.REDIS_URL:
        yield Warning(
            "DATABASE_URL is set and REDIS_URL is not.",
            hint="Nudges go through files of this host then, and other hosts wait for the sweeps. Set REDIS_URL.",
            id="breakwater.W001",
        )


def _mailboxes() -> Iterator[CheckMessage]:
    for url in settings.MAILBOXES:
        try:
            address = mailbox.parsed(url)
        except mailbox.BadAddress as error:
            yield Error(
                f"MAILBOXES: {error}.",
                hint="Write imaps://user:password@host/folder; what is not a letter or a digit as %40.",
                id="breakwater.E012",
            )
        else:
            if address.scheme == "imap" and address.host not in LOOPBACK:
                yield Warning(
                    f"MAILBOXES: the password of {address.name} travels unencrypted.",
                    hint="Use imaps:// or imap+starttls://",
                    id="breakwater.W002",
                )


def _mail() -> Iterator[CheckMessage]:
    if settings.MAIL_PROVIDER and settings.MAIL_URL:
        yield Error(
            "MAIL_PROVIDER and MAIL_URL are both set.",
            hint="Mail leaves one way: unset one of them.",
            id="breakwater.E005",
        )
    if settings.MAIL_URL and (urlsplit(settings.MAIL_URL).scheme not in MAIL_SCHEMES or not _host(settings.MAIL_URL)):
        yield Error(
            "MAIL_URL cannot be used.",
            hint="Name a host after smtp://, smtps:// or smtp+tls://, as in smtps://user:password@mail.example.com",
            id="breakwater.E006",
        )
    if settings.MAIL_PROVIDER and not any("WEBHOOK" in name and value for name, value in settings.ANYMAIL.items()):
        yield Error(
            "Inbound mail webhooks have no secret, so that none is accepted.",
            hint="Set MAIL_WEBHOOK_SECRETS to user:password and put both into the webhook's address at the provider.",
            id="breakwater.E007",
        )
    try:
        validate_email(settings.SUPPORT_ADDRESS)
    except ValidationError:
        yield Error(
            f"SUPPORT_ADDRESS {settings.SUPPORT_ADDRESS!r} is no mail address.",
            hint="Set it to the address that customers write to.",
            id="breakwater.E008",
        )


def _telephone() -> Iterator[CheckMessage]:
    if not _real_telephone():
        return
    if not settings.PUBLIC_URL.startswith("https://"):
        yield Error(
            "Twilio would call PUBLIC_URL without encryption.",
            hint="Numbers and recordings travel there. Set PUBLIC_URL to an https address.",
            id="breakwater.E009",
        )
    if not settings.TWILIO_AUTH_TOKENS:
        yield Error(
            "TWILIO_ACCOUNT_SID is set and TWILIO_AUTH_TOKENS is not.",
            hint="Every call would be refused as unsigned. Set TWILIO_AUTH_TOKENS, the token in use first.",
            id="breakwater.E010",
        )


def _alerts() -> Iterator[CheckMessage]:
    """The addresses are secrets, and what a service says of a wrong one may quote it: only its name is told."""
    for setting in ("ALERT_URLS", "ALERT_URLS_SECOND"):
        for url in getattr(settings, setting):
            try:
                apprise_client.service(url)
            except apprise_client.BadAddress:
                yield Error(
                    f"{setting}: nobody can be told by {_scheme(url)}.",
                    hint="Write apprise URLs, separated by white space. The page Alerts says what is wrong with one.",
                    id="breakwater.E020",
                )


def _scheme(url: str) -> str:
    return f"an address {url.partition('://')[0][:20]}://…" if "://" in url else "what is no URL"


def _folder() -> Iterator[CheckMessage]:
    """The spool needs it when nothing else is there: found out now, not then."""
    folder = Path(settings.VAR)
    nearest = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield Error(
            f"{nearest} cannot be written to.",
            hint="Arrivals are kept there while the database is away. Set BREAKWATER_VAR to a folder of this user.",
            id="breakwater.E011",
        )


def _real_telephone() -> bool:
    return bool(settings.TWILIO_ACCOUNT_SID) and _host(settings.TWILIO_API_BASE) not in LOOPBACK


def _real_mail() -> bool:
    return bool(settings.MAIL_PROVIDER or settings.MAILBOXES) or bool(
        settings.MAIL_URL and _host(settings.MAIL_URL) not in LOOPBACK
    )


def _is_for_real() -> bool:
    return bool(settings.DATABASE_URL) or _host(settings.PUBLIC_URL) not in LOOPBACK


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
