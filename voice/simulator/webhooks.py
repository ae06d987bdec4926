"""One webhook as Twilio sends it: signed, under time-outs, tried again with the same token where a try failed.

As https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides describes: connect 5 s, answer 15 s, 15 s in
all, one more try after a failed connection only; `#ct=…&rt=…&tt=…&rc=…&rp=…` behind an address changes that.

Failures bear the numbers of https://www.twilio.com/docs/api/errors, where a page for each (`…/errors/11205`) names its
causes. Twilio has more of them than can be told apart here, and its log may show a more general one.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from urllib.parse import parse_qsl, urldefrag, urlencode

# No connection in time; none taken; no such host; with `tt` set, none of the tries in time; no answer within 15 s; one
# that says 4xx or 5xx; whatever else keeps a document from being fetched, such as an answer that says 3xx.
TIMED_OUT, REFUSED, NO_HOST, ALL_TIMED_OUT, NO_ANSWER, SAYS_ERROR, NOT_FETCHED = (
    11201, 11202, 11210, 11203, 11205, 11217, 11200,
)  # fmt: skip
TOKEN = "I-Twilio-Idempotency-Token"  # noqa: S105  a header's name
SIGNATURE = "X-Twilio-Signature"


class _Missed(Exception):
    """`waited`: the seconds that Twilio would have waited, where nobody has really waited."""

    def __init__(self, message: str, waited: float = 0.0) -> None:
        super().__init__(message)
        self.waited = waited


class NoConnection(_Missed):
    """Nobody took the connection. `error`: why not, by Twilio's number."""

    def __init__(self, message: str, waited: float = 0.0, error: int = TIMED_OUT) -> None:
        super().__init__(message, waited)
        self.error = error


class NoAnswer(_Missed):
    """The request was sent, and no answer came, or not in time."""


# (method, address, parameters of a POST, headers) → (status, content type, body). Raises NoConnection, NoAnswer.
Transport: TypeAlias = Callable[[str, str, Mapping[str, str], Mapping[str, str]], tuple[int, str, str]]
Sign: TypeAlias = Callable[[str, Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class Overrides:
    """How long is waited (seconds), and after which failures (`ct`, `rt`, `4xx`, `5xx`) how often tried again."""

    ct: float = 5.0
    rt: float = 15.0
    tt: float = 15.0
    rc: int = 1
    rp: frozenset[str] = frozenset({"ct"})


_USUAL = Overrides()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it. `status` 0: nothing; `error` is Twilio's number, 0 where all is well."""

    method: str
    url: str
    params: dict[str, str]
    status: int = 0
    content_type: str = ""
    body: str = ""
    seconds: float = 0.0
    token: str = ""
    attempt: int = 0  # 0: the first; a repeat has the same token
    error: int = 0
    why: str = ""
    failure: str = ""  # in the words of a retry policy: ct, rt, 3xx, 4xx, 5xx; empty: it was answered


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How requests leave. `twice`: each is delivered again though it was answered, as when an answer gets lost."""

    transport: Transport
    sign: Sign
    clock: Callable[[], float] = time.monotonic
    token: Callable[[], str] = field(default=lambda: str(uuid.uuid4()))
    twice: bool = False

    def fetch(self, method: str, url: str, params: Mapping[str, str]) -> list[Exchange]:
        """All tries of one request, in order; the last one counts."""
        address, limits = overrides(url)
        token, told = self.token(), dict(params)
        tries: list[Exchange] = []
        for attempt in range(1 + limits.rc):
            tries.append(self._once(limits, method, address, told, token, attempt))
            late = sum(one.seconds for one in tries) >= limits.tt
            if late and limits.tt < _USUAL.tt and {one.failure for one in tries} <= {"ct", "rt"}:
                tries[-1] = replace(tries[-1], error=ALL_TIMED_OUT)
            if tries[-1].failure not in limits.rp or late:
                break
        if self.twice and not tries[-1].error:
            tries.append(self._once(limits, method, address, told, token, len(tries)))
        return tries

    def _once(
        self, limits: Overrides, method: str, address: str, told: dict[str, str], token: str, attempt: int
    ) -> Exchange:
        url, form = address, told
        if method == "GET":
            url, form = f"{url}{'&' if '?' in url else '?'}{urlencode(form)}", {}
        headers = {SIGNATURE: self.sign(url, form), TOKEN: token}
        status, content_type, body, error, why, failure = 0, "", "", 0, "", ""
        begun, waited = self.clock(), 0.0
        try:
            status, content_type, body = self.transport(method, url, form, headers)
        except NoConnection as missed:
            error, why, waited, failure = missed.error, str(missed), min(missed.waited, limits.ct), "ct"
        except NoAnswer as missed:
            error, why, waited, failure = NO_ANSWER, str(missed), min(missed.waited, limits.rt), "rt"
        else:
            if not 200 <= status < 300:
                error, failure = SAYS_ERROR if status >= 400 else NOT_FETCHED, f"{status // 100}xx"
                why = f"the answer is HTTP {status}"
        seconds = max(self.clock() - begun, waited)
        answered = (status, content_type, body, seconds)
        return Exchange(method, address, told, *answered, token, attempt, error, why, failure)


def overrides(url: str) -> tuple[str, Overrides]:
    """Pure: the address without its fragment, and what the fragment says; what is none of Twilio's is passed over."""
    if "#" not in url:
        return url, _USUAL
    address, fragment = urldefrag(url)
    values: dict[str, object] = {}
    for name, value in parse_qsl(fragment):
        if name in ("ct", "rt", "tt") and value.isdecimal():
            values[name] = min(max(int(value), 100), 10_000 if name == "ct" else 15_000) / 1000
        elif name == "rc" and value.isdecimal():
            values[name] = min(int(value), 5)
        elif name == "rp":
            policies = frozenset(value.split(","))
            values[name] = frozenset({"ct", "rt", "4xx", "5xx"}) if "all" in policies else policies
    return address, Overrides(**values)  # type: ignore[arg-type]
