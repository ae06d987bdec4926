"""A simulated call as plain data, so that it can be put away between two requests and gone on with. Pure."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from voice.simulator.documents import Heard, Wait
from voice.simulator.webhooks import Exchange

VERSION = "2010-04-01"
NOWHERE = "AC" + "0" * 32


@dataclass(frozen=True, slots=True)
class Number:
    """How a number, or a call by API, is set up at Twilio: absolute addresses; an empty one is not set."""

    voice_url: str
    status_callback: str = ""
    fallback_url: str = ""
    fallback_method: str = "GET"
    voice_method: str = "POST"


@dataclass(slots=True)
class Call:
    """A call as it stands. `said`: what every request tells; `status`: in Twilio's words; `seconds`: an estimate."""

    number: Number
    said: dict[str, str]
    statuses: str = "end"
    status: str = "ringing"
    url: str = ""  # of the document that is played
    document: str = ""
    content_type: str = ""
    wait: Wait = field(default_factory=lambda: Wait("ringing"))
    cursor: int = 0
    heard: list[Heard] = field(default_factory=list)
    log: list[Exchange] = field(default_factory=list)
    seconds: float = 0.0
    told: int = 0  # statuses
    error: int = 0  # Twilio's number of the last failure
    over: bool = False

    @property
    def rings(self) -> bool:
        """Whether this call itself still rings; else what rings are the phones that it dials."""
        return not self.document

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `call_of`."""
        return asdict(self)


def call_of(data: Mapping[str, Any]) -> Call:
    """The call that `to_json` wrote down."""
    return Call(
        **{
            **data,
            "number": Number(**data["number"]),
            "wait": Wait(**{**data["wait"], **{name: tuple(data["wait"][name]) for name in ("phones", "screens")}}),
            "heard": [Heard(**one) for one in data["heard"]],
            "log": [Exchange(**one) for one in data["log"]],
        }
    )


def parameters(*, caller: str, number: str, account: str = "", sid: str = "", outbound: bool = False) -> dict[str, str]:
    """What Twilio tells in every request of a call, but for its status. `caller` empty: the number is withheld."""
    return {
        "CallSid": sid or new_sid("CA"),
        "AccountSid": account or NOWHERE,
        "From": caller or "anonymous",
        "To": number,
        "Direction": "outbound-api" if outbound else "inbound",
        "ApiVersion": VERSION,
    }


def new_sid(kind: str) -> str:
    """A SID as Twilio makes them: two letters and 32 hex digits."""
    return f"{kind}{secrets.token_hex(16)}"
