"""Django's SMTP backend, and it knows whether a message's body was under way when the connection broke."""

import re
import smtplib
from functools import lru_cache

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

# As SMTP takes it: no name, nothing quoted, nothing to be encoded.
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+", re.ASCII)


def _address(value: str, encoding: str) -> str:
    return value if _PLAIN.fullmatch(value) else _parsed(value, encoding)


@lru_cache(maxsize=64)
def _parsed(value: str, encoding: str) -> str:
    return sanitize_address(value, encoding)


class _Marks:
    """354 is only ever the answer to DATA: from then on the server may have the message even if we never hear so."""

    body_begun = False

    def mail(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        self.body_begun = False
        return super().mail(*args, **kwargs)  # type: ignore[misc]

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()  # type: ignore[misc]
        if code == 354:
            self.body_begun = True
        return code, text


class _Client(_Marks, smtplib.SMTP):
    pass


class _SecureClient(_Marks, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """Sends as Django does; `body_begun` tells of the last message."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SecureClient if self.use_ssl else _Client

    def _send(self, email_message: EmailMessage) -> bool:
        """As Django's, which parses the same sender for each message anew."""
        recipients = email_message.recipients()
        if not recipients or self.connection is None:
            return False
        encoding = email_message.encoding or settings.DEFAULT_CHARSET
        self.connection.sendmail(
            _address(email_message.from_email, encoding),
            [_address(recipient, encoding) for recipient in recipients],
            email_message.message().as_bytes(linesep="\r\n"),  # type: ignore[call-arg]  # Django's own message class
        )
        return True

    @property
    def body_begun(self) -> bool:
        return getattr(self.connection, "body_begun", False)
