"""Outgoing mail as .eml files, one durable file each in a folder per day, for installations without a mail server."""

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage as Parsed
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from tickets.blobs import write_durably

_NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f]{16}")


class EmailBackend(BaseEmailBackend):
    """Writes `<MAIL_FOLDER>/<day>/<time>-<hash of the Message-ID>.eml`."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            built = message.message()
            digest = hashlib.sha256(str(built["Message-ID"]).encode()).hexdigest()[:16]
            now = timezone.now()
            day = _root() / f"{now:%Y-%m-%d}"
            day.mkdir(parents=True, exist_ok=True)
            write_durably(day / f"{now:%Y%m%dT%H%M%S%f}-{digest}.eml", built.as_bytes(linesep="\r\n"))  # type: ignore[call-arg]
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class Mail:
    """One file of the folder, as a page shows it."""

    name: str
    to: str
    subject: str
    date: datetime
    text: str
    headers: tuple[tuple[str, str], ...]


def newest(limit: int) -> list[Mail]:
    """The newest mails, the newest first; only the days that are needed are listed."""
    return [_parse(path) for path in islice(_paths(), limit)]


def one(name: str) -> Mail | None:
    """The mail of this name (file name without ending); None when there is none."""
    if not _NAME.fullmatch(name):
        return None
    path = _root() / f"{name[:4]}-{name[4:6]}-{name[6:8]}" / f"{name}.eml"
    return _parse(path) if path.is_file() else None


def _root() -> Path:
    return Path(settings.MAIL_FOLDER)


def _paths() -> Iterator[Path]:
    if not _root().is_dir():
        return
    for day in sorted((path for path in _root().iterdir() if path.is_dir()), reverse=True):
        yield from sorted(day.glob("[0-9]*.eml"), reverse=True)


def _parse(path: Path) -> Mail:
    parsed = email.message_from_bytes(path.read_bytes(), _class=Parsed, policy=email.policy.default)
    body = parsed.get_body(preferencelist=("plain", "html"))
    headers = tuple((key, str(value)) for key, value in parsed.items())
    text = body.get_content() if body is not None else ""
    date = datetime.strptime(path.stem[:21], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return Mail(path.stem, str(parsed["To"]), str(parsed["Subject"]), date, text, headers)
