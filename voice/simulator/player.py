"""Plays a call: Twilio's part of it, from the first webhook to the last status, with people who act in it.

Not played: speech, transcription, and HTTP redirects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from math import ceil
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from voice.simulator.documents import Heard, NotTwiml, Scene, Wait, perform, read
from voice.simulator.keys import typed
from voice.simulator.legs import screened
from voice.simulator.state import NOWHERE, VERSION, Call, new_sid
from voice.simulator.statuses import due
from voice.simulator.webhooks import Exchange, Webhooks

# What the caller hears when neither our address nor the fallback gives a document.
APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
# Documents that may follow one another without the caller doing anything; more are a loop.
HOPS = 20
# How dialled phones say that people talked.
TALKED = ("completed", "answered")


@dataclass(frozen=True, slots=True)
class _Request:
    """The webhook that follows."""

    method: str
    url: str
    params: dict[str, str] = field(default_factory=dict)


class Player:
    """Plays a call on. What a method has no use for at this point of the call (a key while it rings) does nothing."""

    def __init__(
        self,
        call: Call,
        webhooks: Webhooks,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        inspect: Callable[[str], None] | None = None,
    ) -> None:
        """`inspect` is shown every document that comes back."""
        self.call = call
        self._webhooks, self._now, self._inspect = webhooks, now, inspect
        self._document: Element | None = None

    # ── what people do ─────────────────────────────────────────────────────────────────────────────────────────────

    def dial(self) -> "Player":
        """The call comes in: the number's address is asked what to do, and the call is answered as it says."""
        self._tell("begun")
        self._go(_Request(self.call.number.voice_method, self.call.number.voice_url))
        return self

    def ring(self) -> "Player":
        """A call by API begins to ring."""
        self._tell("begun")
        return self

    def pick_up(self) -> "Player":
        """Who was called by API answers: the call's address is asked what to do."""
        if self.call.rings and not self.call.over:
            self._answered()
            self._go(_Request(self.call.number.voice_method, self.call.number.voice_url))
        return self

    def not_answered(self, status: str = "no-answer") -> "Player":
        """Who was called by API does not answer, or is busy: `status` in Twilio's words."""
        if self.call.rings and not self.call.over:
            self._end(status)
        return self

    def press(self, keys: str) -> "Player":
        """Presses keys and nothing more: the input ends by its last key, by its finishing key or by the time-out."""
        wait = self.call.wait
        if wait.what != "keys":
            return self
        digits, finished = typed(keys, wait)
        if not finished:
            self.call.seconds += wait.seconds
        if digits or wait.tells_nothing:
            self._act({"Digits": digits, "FinishedOnKey": finished if finished in wait.finish else ""})
        else:
            self._fall_through()
        return self

    def speak(self, seconds: int = 12, *, hanging_up: bool = False) -> "Player":
        """Leaves a message of this length, ended by silence or by hanging up. 0 s: silence, which tells nobody."""
        wait, recorded = self.call.wait, self._address(self.call.wait.recorded)
        if wait.what != "recording":
            return self
        self.call.seconds += seconds if hanging_up else seconds + wait.seconds
        facts = self._recording(seconds)
        if hanging_up:
            self._end("completed", {**facts, "Digits": "hangup"} if seconds else None)
        elif seconds:
            self._act({**facts, "Digits": ""})
        else:
            self._fall_through()
        if seconds and wait.recorded:
            more = {"RecordingStatus": "completed", "RecordingChannels": "1", "RecordingSource": "RecordVerb"}
            self._post(recorded, {**facts, **more})
        return self

    def answer(self, status: str = "completed", seconds: int = 60, *, keys: str = "1", phone: int = 0) -> "Player":
        """How the phones that the call dials fare: completed (they talk for `seconds`), no-answer, busy, failed.

        `phone`: which of them is answered; `keys`: what is pressed there where a document asks, nothing by a mailbox.
        """
        wait = self.call.wait
        if wait.what != "ringing" or self.call.rings:
            return self
        answered = status in TALKED
        taken = answered and self._takes(wait, phone, keys)
        talked = seconds if taken else 0
        self.call.seconds += talked or (wait.seconds if status == "no-answer" else 0)
        if wait.action:
            self._act(_dialled(status, talked, bridged=taken))
        else:
            self._fall_through()
        return self

    def time_out(self) -> "Player":
        """Nobody does anything: no key, no word, nobody answers."""
        what = self.call.wait.what
        if what == "ringing":
            return self.not_answered() if self.call.rings else self.answer("no-answer")
        return self.speak(0) if what == "recording" else self.press("")

    def hang_up(self) -> "Player":
        """The caller hangs up. That phones ring for them in vain is told to the action still."""
        wait = self.call.wait
        if not self.call.over:
            dialled = wait.what == "ringing" and wait.action and not self.call.rings
            self._end("completed", _dialled("no-answer", 0) if dialled else None)
        return self

    def deliver(self, method: str, url: str, params: Mapping[str, str]) -> "Player":
        """Any webhook of this call, out of its turn; what it answers is played."""
        self._go(_Request(method, urljoin(self.call.url or self.call.number.voice_url, url), dict(params)))
        return self

    def _takes(self, wait: Wait, phone: int, keys: str) -> bool:
        """Plays what who answers hears first; whether they are connected then."""
        screen = wait.screens[phone] if phone < len(wait.screens) else ""
        if not screen:
            return True
        call, number = self.call, wait.phones[phone]
        leg = {"CallSid": new_sid("CA"), "ParentCallSid": call.said["CallSid"], "To": number}
        said = {**leg, "Direction": "outbound-dial", "CallStatus": "in-progress"}
        call.heard.append(Heard("note", f"{number} answers, and hears:"))
        return screened(lambda url, params: self._leg(url, {**said, **params}), self._address(screen), keys)

    def _leg(self, url: str, params: Mapping[str, str]) -> Element | None:
        """A document for the phone that was answered; None: there is none, and that phone is hung up."""
        last = self._send(_Request("POST", url, dict(params)))
        try:
            document = None if last.error else read(last.content_type, last.body, last.url)
        except NotTwiml as error:
            last, document = replace(last, error=error.code, why=str(error)), None
            self.call.log[-1] = last
        if document is None:
            self.call.heard.append(Heard("fault", f"Error {last.error} on that phone: {last.why}"))
            return None
        self.call.heard += [Heard("note", f"“{one.text}”") for one in perform(document).heard if one.kind == "say"]
        return document

    # ── what Twilio does ───────────────────────────────────────────────────────────────────────────────────────────

    def _act(self, params: Mapping[str, str]) -> None:
        """Tells the action of what the call waits for, and plays its answer."""
        wait = self.call.wait
        self._go(_Request(wait.method, self._address(wait.action), dict(params)))

    def _fall_through(self) -> None:
        """Nothing came of a verb: the one after it is played."""
        self._go(self._perform(self.call.cursor))

    def _go(self, request: _Request | None) -> None:
        """Fetches documents and plays them until somebody has to do something, or the call is over."""
        for _ in range(HOPS):
            if request is None:
                break
            request = self._perform() if self._fetch(request) else None
        else:
            self.call.heard.append(Heard("fault", f"{HOPS} documents, and the caller was asked nothing: it is a loop."))
            self.call.wait = Wait()
        if self.call.wait.what == "end" and not self.call.over:
            self._end(self.call.wait.reason)

    def _fetch(self, request: _Request) -> bool:
        """Gets a document, from the fallback if need be. False: there is none, and the caller hears of an error."""
        if self._ask(request):
            return True
        call = self.call
        failed, number = call.log[-1], call.number
        told = {"ErrorCode": str(failed.error), "ErrorUrl": failed.url}
        if number.fallback_url:
            call.heard.append(Heard("note", "Twilio asks the fallback."))
            if self._ask(_Request(number.fallback_method, number.fallback_url, told)):
                return True
        self._play(Scene([Heard("say", APPLICATION_ERROR, "en"), Heard("note", "The line hangs up.")]))
        return False

    def _ask(self, request: _Request) -> bool:
        """Sends one webhook, with its retries. False: no document came, and what happened is heard."""
        call, last = self.call, self._send(request)
        try:
            if not last.error:
                self._document = read(last.content_type, last.body, last.url)
        except NotTwiml as error:
            last = call.log[-1] = replace(last, error=error.code, why=str(error))
        call.error = last.error
        if last.error:
            call.heard.append(Heard("fault", f"Error {last.error}: {last.why}"))
            return False
        call.url, call.document, call.content_type = last.url, last.body, last.content_type
        return True

    def _send(self, request: _Request) -> Exchange:
        call = self.call
        params = {**call.said, "CallStatus": call.status, **request.params}
        tries = self._webhooks.fetch(request.method, request.url, params)
        call.log += tries
        call.seconds += sum(one.seconds for one in tries)
        for one in tries if self._inspect else ():
            if not one.error and "xml" in one.content_type:
                self._inspect(one.body)  # type: ignore[misc]
        return tries[-1]

    def _perform(self, cursor: int = 0) -> _Request | None:
        """Plays the document from a verb on. Returns the request that follows by itself."""
        scene = perform(self.played(), cursor)
        self._play(scene)
        follows = scene.wait.what == "redirect"
        return _Request(scene.wait.method, self._address(scene.wait.action)) if follows else None

    def _play(self, scene: Scene) -> None:
        call = self.call
        if call.status == "ringing" and scene.wait.reason == "completed":
            self._answered()
        call.heard += [replace(one, text=self._address(one.text)) if one.kind == "play" else one for one in scene.heard]
        call.wait, call.cursor = scene.wait, scene.cursor
        call.seconds += scene.seconds

    def played(self) -> Element:
        """The document that is played."""
        if self._document is None:
            self._document = read(self.call.content_type, self.call.document, self.call.url)
        return self._document

    def _address(self, written: str) -> str:
        """What a document names, seen from its own address; nothing named: that address."""
        return urljoin(self.call.url, written) if written else self.call.url

    def _recording(self, seconds: int) -> dict[str, str]:
        sid, account = new_sid("RE"), self.call.said.get("AccountSid", NOWHERE)
        address = f"https://api.twilio.com/{VERSION}/Accounts/{account}/Recordings/{sid}"
        return {"RecordingSid": sid, "RecordingUrl": address, "RecordingDuration": str(seconds)}

    def _answered(self) -> None:
        self.call.status = "in-progress"
        self._tell("answered")

    def _end(self, status: str, last: Mapping[str, str] | None = None) -> None:
        """The call is over: `last` is told to the action that waits, then the status."""
        call, action = self.call, self._address(self.call.wait.action)
        call.over, call.status, call.wait = True, status, Wait(reason=status)
        if last is not None:
            self._post(action, last)
        self._tell("over")

    def _tell(self, moment: str) -> None:
        call = self.call
        for status in due(call.statuses, moment, call.status) if call.number.status_callback else ():
            more = {"CallStatus": status, "Timestamp": format_datetime(self._now()), "SequenceNumber": str(call.told)}
            if call.over and status == call.status:
                seconds = round(call.seconds)
                more |= {"CallDuration": str(seconds), "Duration": str(ceil(seconds / 60))}
            call.told += 1
            self._post(call.number.status_callback, {**more, "CallbackSource": "call-progress-events"})

    def _post(self, url: str, params: Mapping[str, str]) -> None:
        """A webhook whose answer is not played."""
        last = self._send(_Request("POST", url, dict(params)))
        if last.error:
            self.call.heard.append(Heard("fault", f"Error {last.error}, told in vain: {last.why}"))


def _dialled(status: str, seconds: int, *, bridged: bool = False) -> dict[str, str]:
    told = {"DialCallStatus": status, "DialCallSid": new_sid("CA"), "DialCallDuration": str(seconds)}
    return {**told, "DialBridged": str(bridged).lower()}
