"""A real SMTP server on the loopback that can be told to misbehave."""

import asyncio
import email
import email.policy
import logging
import threading
import time
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import free_port

# A line per SMTP command would bury what a failing test says.
logging.getLogger("mail.log").setLevel(logging.WARNING)


@dataclass
class Handler:
    """`refuse`: address → answer to RCPT; `broken`: addresses whose connection is cut after the body was kept."""

    refuse: dict[str, str] = field(default_factory=dict)
    cut_after_body: set[str] = field(default_factory=set)
    cut_before_body: set[str] = field(default_factory=set)
    hang_after_body: set[str] = field(default_factory=set)
    answer_body: dict[str, str] = field(default_factory=dict)
    got: list[email.message.EmailMessage] = field(default_factory=list)
    connections: int = 0
    pause: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address, options):  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        if address in self.cut_before_body:
            self.cut_before_body.discard(address)
            server.transport.abort()
            return "250 never heard"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope):  # noqa: N802
        to = envelope.rcpt_tos[0]
        if to in self.answer_body:
            return self.answer_body[to]
        self.got.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        if self.pause:
            time.sleep(self.pause)
        if to in self.hang_after_body:
            self.hang_after_body.discard(to)
            await _until(self.stop, 3.0)
        if to in self.cut_after_body:
            self.cut_after_body.discard(to)
            server.transport.abort()
        return "250 kept"

    def recipients(self) -> list[str]:
        return [message["To"] for message in self.got]


async def _until(stop: threading.Event, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < end:
        await asyncio.sleep(0.02)


def start(handler: Handler, port: int = 0) -> Controller:
    controller = Controller(handler, hostname="127.0.0.1", port=port or free_port())
    controller.start()
    return controller
