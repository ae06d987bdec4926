"""One open way out for many messages by Django's mail API; every fault is told as what it means for the message."""

import smtplib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from anymail.exceptions import AnymailAPIError, AnymailError
from django.core.mail import EmailMessage, get_connection

from tickets.work import TransportError

# Answers of a server that speak about itself or about us, not about this message (RFC 5321, RFC 4954).
HOUSE_CODES = frozenset({421, 454, 530, 534, 535, 538})
Row = TypeVar("Row")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's word on one recipient: anymail's status, and the provider's id of the mail."""

    status: str
    provider_id: str

    @property
    def taken(self) -> bool | None:
        """Whether the provider has it; None where it does not say."""
        return {"sent": True, "queued": True, "rejected": False, "invalid": False, "failed": False}.get(self.status)


class Courier:
    """Opens when first asked to, delivers one message after the other, closes at the end."""

    def __init__(self) -> None:
        self._backend = get_connection()
        self._open = self._used = False
        self._in_doubt = 0
        # True while the last fault was the server's own, or a broken line: the next message would fare no better.
        self.unwell = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether a connection was made and not closed since."""
        return self._open

    def open(self) -> None:
        """Makes sure that there is a connection. TransportError (ours) when the server cannot be reached."""
        if self._open:
            return
        try:
            self._backend.open()
        except Exception as error:  # whatever a backend raises here, no message has left
            raise TransportError(f"mail server: {error}", permanent=False, ours=True) from error
        self._open, self._used = True, False

    def close(self) -> None:
        """Ends the connection; a dead one is no fault any more."""
        self._open = False
        try:
            self._backend.close()
        except (OSError, smtplib.SMTPException):
            self._backend.connection = None  # type: ignore[attr-defined]

    def deliver(self, message: EmailMessage) -> str:
        """Sends one message and returns the provider's id for it ("" if it gives none). TransportError otherwise."""
        self.open()
        stale, self._used, self.unwell = self._used, True, False
        try:
            self._backend.send_messages([message])
        except Exception as error:
            fault = fault_of(error, body_begun=getattr(self._backend, "body_begun", True))
            if fault.ours or fault.uncertain:
                self.close()
            if stale and isinstance(error, smtplib.SMTPServerDisconnected) and not fault.uncertain:
                # The server hung up while we were silent; nothing of this message has left yet.
                self.close()
                return self.deliver(message)
            # Who hangs up twice in a row will do so again, and each time leaves more in doubt.
            self._in_doubt = self._in_doubt + 1 if fault.uncertain else 0
            self.unwell = fault.ours or self._in_doubt > 1 or (fault.uncertain and len(message.to) > 1)
            raise fault from error
        self._in_doubt = 0
        status = getattr(message, "anymail_status", None)
        return (status.message_id if status and isinstance(status.message_id, str) else "") or ""

    def deliver_many(self, message: EmailMessage) -> dict[str, Receipt]:
        """Sends one message of many recipients in one call; what the provider says of each. TransportError for all."""
        self.deliver(message)
        said = message.anymail_status.recipients  # type: ignore[attr-defined]
        return {to: Receipt(one.status or "unknown", one.message_id or "") for to, one in said.items()}


class Crew:
    """Couriers side by side, each with a connection of its own and one message or call at a time."""

    def __init__(self, size: int) -> None:
        self._couriers = [Courier() for _ in range(max(1, size))]
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="courier") if size > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown()
        for courier in self._couriers:
            courier.close()

    def __len__(self) -> int:
        return len(self._couriers)

    @property
    def unwell(self) -> bool:
        """Whether the last fault of any was the server's own."""
        return any(courier.unwell for courier in self._couriers)

    def open(self) -> None:
        """Makes sure of the connections. A server that allows fewer gets fewer; TransportError when it allows none."""
        refusal: TransportError | None = None
        for courier in list(self._couriers):
            try:
                courier.open()
            except TransportError as error:
                refusal = error
                if len(self._couriers) > 1:
                    self._couriers.remove(courier)
        if refusal and len(self._couriers) == 1 and not self._couriers[0].is_open:
            raise refusal

    def each(self, act: Callable[[Row, Courier], Result], rows: Sequence[Row]) -> tuple[list[Result], Exception | None]:
        """Does `act` for each row on a courier of its own; what came of them, and the first fault of `act` itself."""
        if self._pool is None or len(rows) == 1:
            return [act(row, courier) for row, courier in zip(rows, self._couriers, strict=False)], None
        doing = [self._pool.submit(act, row, courier) for row, courier in zip(rows, self._couriers, strict=False)]
        faults = [one.exception() for one in doing]
        done = [one.result() for one, fault in zip(doing, faults, strict=True) if fault is None]
        return done, next((fault for fault in faults if isinstance(fault, Exception)), None)


def fault_of(error: Exception, *, body_begun: bool) -> TransportError:
    """What an exception of a mail backend means. `body_begun`: the server may have the message all the same."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return _by_code(max(codes, default=550), _refusal(error))
    if isinstance(error, smtplib.SMTPSenderRefused):
        # 552: too large; everything else about the sender is our own set-up, not this message.
        own = error.smtp_code != 552
        return TransportError(text, permanent=not own, ours=own)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(error.smtp_code, text)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return TransportError(text, permanent=False, uncertain=body_begun, ours=not body_begun)
    if isinstance(error, AnymailError):
        return _by_status(error, text)
    if isinstance(error, smtplib.SMTPNotSupportedError | ValueError | TypeError):
        return TransportError(text, permanent=True)
    return TransportError(text, permanent=False, uncertain=isinstance(error, TimeoutError))


def _refusal(error: smtplib.SMTPRecipientsRefused) -> str:
    said = (f"{to}: {code} {text.decode(errors='replace')}" for to, (code, text) in error.recipients.items())
    return "; ".join(said)


def _by_code(code: int, text: str) -> TransportError:
    if code in HOUSE_CODES:
        return TransportError(text, permanent=False, ours=True)
    return TransportError(text, permanent=code >= 500)


def _by_status(error: AnymailError, text: str) -> TransportError:
    """Providers by HTTP: no answer or a gateway's time-out leaves it open whether they have it."""
    if not isinstance(error, AnymailAPIError):
        return TransportError(text, permanent=True)
    status = error.status_code
    if status is None or status in (502, 504):
        return TransportError(text, permanent=False, uncertain=True)
    if status in (401, 403, 429) or status >= 500:
        return TransportError(text, permanent=False, ours=True)
    return TransportError(text, permanent=True)
