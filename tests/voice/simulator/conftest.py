"""A telephone network of a test: documents by address, what goes wrong by address, and the requests that came."""

from dataclasses import dataclass, field

import pytest

from voice.simulator.player import Player
from voice.simulator.state import Call, Number, parameters
from voice.simulator.webhooks import Webhooks

HOME = "https://support.example.com"


@dataclass
class Net:
    """`pages`: address → what it answers each time, in order, the last one again and again.

    An answer is TwiML inside of `<Response>`, a status, a triple (status, content type, body), or an exception.
    """

    pages: dict = field(default_factory=dict)
    got: list = field(default_factory=list)
    time: float = 0.0

    def transport(self, method, url, params, headers):
        self.got.append((method, url.removeprefix(HOME), params, headers))
        answers = self.pages.get(url.partition("?")[0].removeprefix(HOME), [404])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.time += 0.01
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return answer, "text/html", "no"
        return answer if isinstance(answer, tuple) else (200, "text/xml", f"<Response>{answer}</Response>")

    def player(self, statuses="end", twice=False, **number):
        webhooks = Webhooks(self.transport, lambda url, params: f"signed {url}", clock=lambda: self.time, twice=twice)
        number = {"voice_url": f"{HOME}/a/", "status_callback": f"{HOME}/status/", **number}
        said = parameters(caller="+12015550123", number="+12025550199")
        return Player(Call(Number(**number), said, statuses), webhooks)

    def asked(self, *names):
        """The paths that were asked, each with these parameters as far as it has them."""
        return [(path, *(params[name] for name in names if name in params)) for _, path, params, _ in self.got]

    def told(self):
        return [params["CallStatus"] for _, path, params, _ in self.got if path == "/status/"]


@pytest.fixture
def net():
    made = Net()
    made.pages["/status/"] = [""]
    return made
