"""Django's SMTP backend, and it knows whether a message's body was under way when the connection broke."""

import smtplib

from django.core.mail.backends import smtp


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

    @property
    def body_begun(self) -> bool:
        return getattr(self.connection, "body_begun", False)
