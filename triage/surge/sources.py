"""Which sources of arrivals are set up, so that they are expected to give heartbeats."""

from tickets.channels import mailbox
from tickets.heartbeats import FRONT, MAILBOX
from triage.surge.gaps import VOICE
from voice.signature import auth_tokens


def expected() -> list[str]:
    """The front door always, the telephone where something can sign for it, and each mailbox that is polled."""
    telephone = [VOICE] if auth_tokens() else []
    return [FRONT, *telephone, *(f"{MAILBOX}{address.name}" for address in mailbox.addresses())]
