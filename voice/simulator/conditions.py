"""What may go wrong between Twilio and us, simulated on the way: the product itself never knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from voice.simulator.webhooks import NoAnswer, NoConnection, Transport

# How our server fares, in the words of the page.
FAULTS = {
    "": "answers",
    "times_out": "times out",
    "refuses": "hangs up on connect",
    "fails": "answers 500",
    "loses": "answers, and it gets lost",
}
# How many requests meet it; -1: all from now on.
TIMES = {1: "the next request", 2: "the next two", -1: "all requests"}


@dataclass(slots=True)
class Conditions:
    """What the requests of a call meet from now on. `times` counts down; -1 stands."""

    fault: str = ""
    times: int = 1
    twice: bool = False
    statuses: str = "end"

    def through(self, transport: Transport, base: str) -> Transport:
        """A way to our server (addresses that begin with `base`) that is as bad as this; others stay as they are."""

        def send(method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str, str]:
            fault = self._next() if url.startswith(base) else ""
            if fault == "times_out":
                raise NoAnswer("no answer within 15 s (simulated)", waited=15)
            if fault == "refuses":
                raise NoConnection("the connection was not taken (simulated)", waited=5)
            if fault == "fails":
                return 500, "text/html", "Server error (simulated)"
            answer = transport(method, url, params, headers)
            if fault == "loses":
                raise NoAnswer("the answer got lost on its way (simulated)", waited=15)
            return answer

        return send

    def _next(self) -> str:
        fault = self.fault
        if fault and self.times > 0:
            self.times -= 1
            if not self.times:
                self.fault, self.times = "", 1
        return fault
